"""Shares of the classes where a network is used, as the user says them."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from fastmed.errors import DataError, listed, nearest

_NUMBER = r"[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?"


def read_prevalence(
    told: str | Mapping[str, float], classes: Sequence[str], shares: np.ndarray | None
) -> np.ndarray:
    """Return the share of each class, (K,), of ``"CLASS=0.02,..."`` or of a table of shares.

    Classes that aren't named keep their proportions among each other.

    Args:
        told: shares by class, between 0 and 1.
        classes: their names.
        shares: (K,), in proportion to which the classes that aren't named share the rest; None
            shares it equally.

    Raises:
        DataError: a class is unknown or named twice, or the shares don't sum to 1.
    """
    named = _pairs(told, classes) if isinstance(told, str) else dict(told)
    _refuse_unknown(list(named), classes)
    rest = 1 - sum(named.values())
    others = [name not in named for name in classes]
    whole = rest > 1e-9 if any(others) else abs(rest) < 1e-6
    if not whole or not all(0 < share < 1 for share in named.values()):
        raise DataError(
            f"the shares of classes {_shown(named)} are none: each is between 0 and 1, and those "
            "of all classes sum to 1"
        )
    found = np.ones(len(classes)) if shares is None else np.array(shares, dtype=float)
    if any(others):
        found *= rest / found[others].sum()
    for name, share in named.items():
        found[list(classes).index(name)] = share
    return np.asarray(found / found.sum())


def _pairs(told: str, classes: Sequence[str]) -> dict[str, float]:
    """Return the shares that a text names; names may hold any sign, so they are looked for."""
    names = "|".join(re.escape(name) for name in sorted(classes, key=len, reverse=True))
    pair = rf"\s*({names})\s*=\s*({_NUMBER})\s*"
    if not re.fullmatch(rf"{pair}(?:,{pair})*", told):
        _refuse_unknown(re.findall(rf"(?:^|,)\s*([^=]+?)\s*=\s*{_NUMBER}", told), classes)
        raise DataError(
            f"'{told}' is no list of class shares; expected CLASS=SHARE,... as in "
            f"'{classes[-1]}=0.02', with the classes {listed(classes, 12)}"
        )
    found = re.findall(rf"{pair}(?:,|$)", told)
    if len({name for name, _ in found}) < len(found):
        raise DataError(f"a class stands twice in '{told}'")
    return {name: float(share) for name, share in found}


def _refuse_unknown(names: Sequence[str], classes: Sequence[str]) -> None:
    unknown = [name for name in names if name not in classes]
    if unknown:
        close = nearest(unknown[0], classes)
        raise DataError(f"no class {listed(unknown)}{close}; there are {listed(classes, 12)}")


def _shown(named: Mapping[str, float]) -> str:
    return ", ".join(f"{name}={share:g}" for name, share in named.items())

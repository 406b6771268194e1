"""Words of findings: numbers with their nouns, lists."""

from collections.abc import Iterable, Mapping

import pandas as pd

from fastmed.settings.sources import PARTS


def many(count: int, one: str, several: str = "") -> str:
    """Return a number with its noun: ``1 image``, ``2 images``."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def listed_parts(parts: Iterable[str]) -> str:
    """Return the names of parts in their order: ``train and test``."""
    present = set(parts)
    return joined(part for part in PARTS if part in present)


def joined(words: Iterable[str]) -> str:
    """Return words as in a sentence: ``a, b and c``."""
    every = list(words)
    return " and ".join(filter(None, [", ".join(every[:-1]), *every[-1:]]))


def shares(flags: pd.Series, targets: pd.Series) -> str:
    """Return in which share of each class a flag is set: ``'a' 10%, 'b' 0%``."""
    found: Mapping[object, float] = flags.astype(bool).groupby(targets).mean().to_dict()
    return ", ".join(f"'{name}' {share:.0%}" for name, share in found.items())

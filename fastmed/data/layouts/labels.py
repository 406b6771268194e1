"""From what the files say to the classes of the task."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

import pandas as pd

from fastmed.errors import DataError, listed, nearest

_WHOLE = re.compile(r"(\d{1,6})(\.0+)?")


def to_classes(
    labels: pd.Series, places: pd.Series, classes: Sequence[str], rename: Mapping[str, str]
) -> pd.Series:
    """Return the class name for each label; an empty label stays empty.

    A label is renamed first. It is a class by its name, or by its position where every label is
    a whole number below the number of classes and no class has such a name. Accents count the
    same however they are encoded: macOS parts them from their letters in names of folders.

    Args:
        labels: text. places: where each label stands, for a message.

    Raises:
        DataError: a label is none of the classes.
    """
    composed = labels.map(lambda label: unicodedata.normalize("NFC", label).strip())
    names = composed.map(lambda label: rename.get(label, label))
    names = _from_positions(names, classes)
    unknown = names[~names.isin(["", *classes])]
    if len(unknown):
        name, place = unknown.iloc[0], places[unknown.index[0]]
        others = f" ({len(unknown)} labels in all are unknown)" if len(unknown) > 1 else ""
        raise DataError(
            f"{place}: '{name}' is none of the classes {listed(classes, 12)}"
            f"{others}{nearest(name, classes) or _ways_out(unknown, classes)}"
        )
    return names


def _from_positions(names: pd.Series, classes: Sequence[str]) -> pd.Series:
    """Return class names where all labels are positions of classes, else the names as they are."""
    distinct = [name for name in names.unique() if name]
    whole = {name: match for name in distinct if (match := _WHOLE.fullmatch(name))}
    if len(whole) < len(distinct) or any(name in classes for name in distinct):
        return names
    positions = {name: int(match[1]) for name, match in whole.items()}
    inside = {name: classes[place] for name, place in positions.items() if place < len(classes)}
    return names.map(lambda name: inside.get(name, name))


def _ways_out(unknown: pd.Series, classes: Sequence[str]) -> str:
    """Return what can be done about labels that are not even near to a class."""
    found = listed(sorted(unknown.unique()), 12)
    return (
        f"; unknown are {found}. Change the classes with `--set 'classes=[...]'`, or give the "
        f"labels other names with `--set 'source.rename.LABEL=\"{classes[0]}\"'`"
    )

"""Names of images behind pseudonyms: in what is written, and in what is said."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from fastmed import console
from fastmed.data.layouts.places import files_below, relative
from fastmed.data.tables import root_of, write_table
from fastmed.errors import DataError
from fastmed.state import pseudonym, pseudonyms

HIDDEN = "pseudonymised"  # in ``attrs`` of items that bear pseudonyms
_MARK = "~"  # before the pseudonym of a file
_SHORTEST = 3  # characters of a name that is hidden in text,
_SHORTEST_NUMBER = 6  # or of one that is a number; shorter ones are counts


def hide_items(items: pd.DataFrame, wished: bool = True) -> pd.DataFrame:
    """Return items and patients under pseudonyms; ``image`` still says where the files are.

    They stay as they are if they bear pseudonyms already, or if none are wished.
    """
    if items.attrs.get(HIDDEN) or not wished:
        return items
    hidden = items.assign(item=pseudonyms(items["item"]), group=pseudonyms(items["group"]))
    hidden.attrs = {**items.attrs, HIDDEN: True}
    return hidden


def write_items(items: pd.DataFrame, file: Path) -> None:
    """Write items as CSV; of those that bear pseudonyms, without the names of their files."""
    if items.attrs.get(HIDDEN):
        items = items.assign(image=hidden_places(items["image"]))
    write_table(items, file)


def located(items: pd.DataFrame) -> pd.DataFrame:
    """Return items with the names of their files, which are looked for in the data folder.

    Items that were written with names are returned as they are.

    Raises:
        DataError: a file is not there, or the user's secret is another one now.
    """
    if not items["image"].str.startswith(_MARK).any():
        return items
    root = root_of(items)
    hide_names(root)
    names = [relative(file, root) for file in files_below(root)] if root.is_dir() else []
    known = dict(zip(hidden_places(names), names, strict=True))
    lost = int((~items["image"].isin(known)).sum())
    if lost:
        raise DataError(
            f"the files of {lost} of {len(items)} images can't be found in the data folder: they "
            "are gone or renamed, or their pseudonyms were made by another user or machine"
        )
    found = items.assign(image=items["image"].map(known))
    found.attrs = {**items.attrs, HIDDEN: True}
    return found


def hidden_places(names: Iterable[str]) -> list[str]:
    """Return what stands for the paths of files in items that bear pseudonyms."""
    return [_MARK + name for name in pseudonyms(names)]


def hide_names(root: Path, wished: bool = True) -> None:
    """Let nothing be said from now on with the name of a file below a folder, if that is wished."""
    if wished:
        console.hide(NamesBelow(root))


@dataclass(frozen=True)
class NamesBelow:
    """Hides the names of all files below a folder in text, with or without folders or suffix."""

    root: Path

    def __call__(self, text: str) -> str:
        """Return text with a pseudonym in the place of each name."""
        named = [re.escape(name) for name in self._names if name in text]
        if not named:
            return text
        pattern = "|".join(named)
        return re.sub(rf"(?<!\w)({pattern})(?!\w)", lambda found: pseudonym(found[0]), text)

    @cached_property
    def _names(self) -> list[str]:
        """All names, the longest first, so that none is taken for a part of another."""
        names: set[str] = set()
        for file in files_below(self.root) if self.root.is_dir() else ():
            names |= {relative(file, self.root), file.name, file.stem}
        return sorted(filter(_can_be_told, names), key=len, reverse=True)


def _can_be_told(name: str) -> bool:
    return len(name) >= (_SHORTEST_NUMBER if name.isdigit() else _SHORTEST)

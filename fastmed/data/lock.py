"""data.lock: the images of a run by what they are, not by what they are called."""

import csv
import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

import pandas as pd

from fastmed.console import note, warn
from fastmed.data.tables import part
from fastmed.errors import DataError, RunError
from fastmed.files import write_whole
from fastmed.settings.sources import PARTS
from fastmed.state import pseudonyms
from fastmed.uses import count_use

LOCK_FILE = "data.lock"
EARLIER = "earlier"  # the part of images that the run's first weights were trained on
COLUMNS = ("content", "decoded", "target", "split", "patient")
_TITLE = "# fastmed data.lock 1, root "
_COPIES = ("content", "decoded")


class DataLock:
    """Which images a run has seen, in which part, with which label, and of which patient.

    No name of a file is in it, and the patient only as a pseudonym, so it may go along with a
    model. Two runs with the same `root` had the same images, labels, patients and parts.

    Attributes:
        rows: a row an image, sorted: SHA-256 of its bytes and of its pixels, class, part (train,
            valid, test, or earlier), pseudonym of the patient; all text.
    """

    def __init__(self, rows: pd.DataFrame) -> None:
        columns = list(COLUMNS)
        self.rows = rows[columns].astype(str).sort_values(columns, ignore_index=True)

    @classmethod
    def of(cls, items: pd.DataFrame) -> "DataLock":
        """Return the lock of inspected items; those that are in no part are not in it."""
        used = items[items["split"].isin(PARTS)]
        known = {name: used.get(name, "") for name in COLUMNS[:-1]}
        patients = pseudonyms(used["group"]) if "group" in used else ""
        return cls(pd.DataFrame(known, index=used.index).assign(patient=patients))

    @classmethod
    def read(cls, file: Path) -> "DataLock":
        """Return a lock that was written.

        Raises:
            RunError: it is missing, or is not what fastmed wrote.
        """
        try:
            with file.open(encoding="utf-8", newline="") as text:
                title = text.readline()
                rows = pd.read_csv(text, dtype=str, keep_default_na=False)
            lock = cls(rows)
        except FileNotFoundError:
            raise RunError(f"there is no {file}: it is not a whole run") from None
        except (KeyError, ValueError):
            raise RunError(f"{file} is not a data.lock as fastmed writes it") from None
        if title.rstrip() != _TITLE + lock.root:
            raise RunError(f"{file} was changed after it was written; put the old one back")
        return lock

    def write(self, file: Path) -> None:
        """Write the lock, as a whole; the same images make the same file, byte for byte."""
        write_whole(file, partial(_write, self))

    @property
    def root(self) -> str:
        """One hash, 64 hexadecimal digits, of the run's own rows in any order."""
        return _digest(self.rows[self.rows["split"] != EARLIER])

    def root_of(self, split: str) -> str:
        """Return one hash of the images and labels of a part, whatever the other parts are."""
        return _digest(part(self.rows, split)[["content", "target"]])

    def with_earlier(self, start: "DataLock | None") -> "DataLock":
        """Return the lock with the images that shaped another run, if its weights are taken."""
        if start is None:
            return self
        shaped = start.rows[start.rows["split"] != "test"]
        return DataLock(pd.concat([self.rows, shaped.assign(split=EARLIER)]).drop_duplicates())

    def seen(self, items: pd.DataFrame) -> pd.Series:
        """Return for each of the inspected items whether it shaped the run: all but its test part.

        An image is the same if its bytes or its pixels are.
        """
        shaped = self.rows[self.rows["split"] != "test"]
        found = [
            (items[name] != "") & items[name].isin(set(shaped[name]))
            for name in _COPIES
            if name in items
        ]
        return pd.concat(found, axis=1).any(axis=1)

    def shared_patients(self, items: pd.DataFrame) -> int:
        """Return how many patients of the items shaped the run."""
        known = items[items["group"] != ""]
        shaped = set(self.rows.loc[self.rows["split"] != "test", "patient"]) - {""}
        return len(shaped.intersection(pseudonyms(known["group"].unique())))


def refuse_seen(lock: DataLock, items: pd.DataFrame, what: str, whom: str = "this run") -> None:
    """Refuse to judge a run by images that shaped it.

    Args:
        lock: of the run.
        items: that it is to be judged by, inspected.
        what: they are, in words.
        whom: the run, in words.

    Raises:
        DataError: some of them trained the run, or chose its epoch.
    """
    count = int(lock.seen(items).sum())
    if count:
        without = ", or leave these out with --drop-seen" if count < len(items) else ""
        raise DataError(
            f"{count} of {len(items)} images in {what} trained {whom}, chose its epoch or "
            f"calibrated it, so a score on them means nothing; judge it by other images{without}"
        )


def unseen(
    lock: DataLock, items: pd.DataFrame, what: str, drop_seen: bool, whom: str = "this run"
) -> pd.DataFrame:
    """Return the items without those that shaped a run, or refuse them all.

    Args:
        lock: of the run that is judged by the items.
        items: inspected.
        what: they are, in words.
        drop_seen: leave them out, and say so.
        whom: the run, in words.

    Raises:
        DataError: some, or with ``drop_seen`` all, trained the run or chose its epoch.
    """
    seen = lock.seen(items)
    if seen.all() or not drop_seen:
        refuse_seen(lock, items, what, whom)
    if seen.any():
        warn(f"{seen.sum()} of {len(items)} images in {what} shaped {whom} and are left out")
    items = items[~seen]
    patients = lock.shared_patients(items)
    if patients:
        warn(f"{patients} patients in {what} also have images that shaped {whom}")
    return items


def used_for_test(items: pd.DataFrame, name: str) -> int | None:
    """Count that labelled items judge a run, or several, of this name; say how often they have."""
    uses = count_use(DataLock.of(items.assign(split="test")).root_of("test"), name)
    if uses is not None and uses > 1:
        note(
            f"These images have judged {uses} times by now; the best of many looks is better than "
            "the truth"
        )
    return uses


def _digest(rows: pd.DataFrame) -> str:
    lines: Sequence[Sequence[str]] = sorted(rows.astype(str).to_numpy().tolist())
    return hashlib.sha256(json.dumps(lines, ensure_ascii=True).encode()).hexdigest()


def _write(lock: DataLock, file: Path) -> None:
    with file.open("w", encoding="utf-8", newline="") as text:
        text.write(f"{_TITLE}{lock.root}\n")
        _write_rows(lock.rows, text)


def _write_rows(rows: pd.DataFrame, text: TextIO) -> None:
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows.to_numpy().tolist())

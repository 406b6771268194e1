"""Predictions of any number of images into a file, which an interruption can't spoil."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fastmed.console import note, warn
from fastmed.data.listing import Listing, listing_of
from fastmed.data.store.inspection import unreadable_images
from fastmed.errors import DataError
from fastmed.prediction.formats import Tables, check_output, write_in_format
from fastmed.prediction.ledger import Ledger
from fastmed.prediction.patients import PER_PATIENT, check_patients, patients_table
from fastmed.prediction.predictor import Predictor
from fastmed.prediction.story import stream_of
from fastmed.prediction.tables import competition_table
from fastmed.run.versions import package_versions

SHOWN = 20  # rows that are returned to be looked at


@dataclass(frozen=True)
class Shape:
    """What rows of predictions become in the end.

    Attributes:
        competition: two columns only, with the class as ``number`` or ``name``.
        per_patient: a row a patient.
        skip_bad: leave out images that can't be read.
    """

    competition: str | None = None
    per_patient: bool = False
    skip_bad: bool = False

    def check(self, predictor: Predictor) -> None:
        """Refuse what has no effect together.

        Raises:
            DataError: says what.
        """
        wishes = predictor.manner.wishes
        for name, value in (("--sets", wishes.sets), ("--abstain", wishes.abstain)):
            if value is not None and self.competition is not None:
                raise DataError(f"{name} has no effect with --competition")
        if self.per_patient and wishes.any:
            raise DataError(PER_PATIENT)
        if self.competition is not None and predictor.manner.per_view:
            raise DataError("--per-view has no effect with --competition")
        if self.competition is not None and self.per_patient:
            raise DataError("a competition wants a row an image, and --per-patient writes others")
        if self.competition is not None and predictor.task.pseudonymise:
            raise DataError("a competition wants the names of images, which this run hides")


@dataclass(frozen=True)
class Exported:
    """What was predicted.

    Attributes:
        rows: that were written, of images or patients.
        bad: images that could not be read.
        first: rows, to be looked at.
    """

    rows: int
    bad: int
    first: pd.DataFrame


def predict_to_file(
    predictor: Predictor,
    source: str | Path | pd.DataFrame,
    file: Path | None = None,
    *,
    shape: Shape | None = None,
    resume: bool = False,
    workers: int | None = None,
    cache: bool = True,
) -> Exported:
    """Predict images of any number, and write what their suffix names when all are done.

    Until then the rows are in a `Ledger` beside the file, from which ``resume`` goes on.

    Args:
        predictor: of a run or a family.
        source: as of `predict`.
        file: to write; None only returns the first rows.
        shape: what the rows become.
        resume: go on with an interrupted export of the same predictions.
        workers, cache: as of `predict`.

    Raises:
        DataError: nothing is there, no image can be read, or what was begun is something else.
        RunError: the disk can't be written.
        KeyboardInterrupt: Ctrl-C was pressed; what was predicted is kept.
    """
    shape = shape or Shape()
    shape.check(predictor)
    if file is not None:
        check_output(file)
    listing = listing_of(predictor.task, source)
    with closing(_ledger(predictor, listing, file, resume)) as ledger:
        _fill(ledger, predictor, listing, workers, cache)
        if ledger.bad:
            _tell_of_bad(ledger, shape, listing)
        found = _finish(ledger, predictor, shape, file)
        ledger.remove()
    return found


def _ledger(predictor: Predictor, listing: Listing, file: Path | None, resume: bool) -> Ledger:
    if file is None:
        return Ledger.temporary()
    identity = {
        "fastmed": package_versions()["fastmed"],
        **predictor.identity,
        "images": [len(listing), listing.digest()],
    }
    return Ledger.begin(file, identity, resume)


def _fill(
    ledger: Ledger, predictor: Predictor, listing: Listing, workers: int | None, cache: bool
) -> None:
    """Predict what is not in the ledger yet."""
    done, total = len(ledger), len(listing)
    if done:
        note(f"{done} of {total} images are predicted already")
    if done == total:
        return
    try:
        for table in stream_of(predictor, listing, workers=workers, cache=cache, done=done):
            ledger.add(table)
    except KeyboardInterrupt:
        if ledger.file is not None and len(ledger):
            note(
                f"Interrupted; {len(ledger)} of {total} images are predicted and kept in "
                f"{ledger.file}: the same command with --resume goes on"
            )
        raise


def _tell_of_bad(ledger: Ledger, shape: Shape, listing: Listing) -> None:
    """Say how many images can't be read.

    Raises:
        DataError: all of them.
    """
    bad, total, first = ledger.bad, len(ledger), ledger.first_bad
    if bad == total:
        ledger.remove()
    if shape.skip_bad or bad == total:
        unreadable_images(bad, total, first, shape.skip_bad)
        if bad == total:
            raise DataError(f"no image to predict in {listing.root}")
        return
    column = "their class is empty" if shape.competition else "the column 'reason' says why"
    warn(f"{bad} of {total} images can't be read, {column}; the first: {first}")


def _finish(ledger: Ledger, predictor: Predictor, shape: Shape, file: Path | None) -> Exported:
    """Write what the rows become."""
    if shape.per_patient:
        check_patients(ledger.knows_patients)
    clean = shape.skip_bad or not ledger.bad

    def each() -> Iterator[pd.DataFrame]:
        rows = ledger.patients if shape.per_patient else ledger.tables
        for table in rows(skip_bad=shape.skip_bad):
            yield _shaped(table, predictor, shape)

    tables = Tables(each, ["reason"] if clean else [])
    if file is not None:
        write_in_format(tables, file)
    written, first = 0, pd.DataFrame()
    for table in tables:
        first = first if written else table.head(SHOWN)
        written += len(table)
    return Exported(written, ledger.bad, first)


def _shaped(table: pd.DataFrame, predictor: Predictor, shape: Shape) -> pd.DataFrame:
    if shape.per_patient:
        return patients_table(table, predictor.task, predictor.of_patients)
    if shape.competition is not None:
        return competition_table(predictor.task, table, shape.competition)
    return table

"""From an input to its predictions: all at once, or a table after the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fastmed.console import counting
from fastmed.data.inputs import read_input
from fastmed.data.listing import Listing, listing_of
from fastmed.data.store.inspection import unreadable_images
from fastmed.data.tables import LEFT_OUT, root_of
from fastmed.errors import DataError
from fastmed.learn.through_views import Seen
from fastmed.prediction.manner import Manner
from fastmed.prediction.networks import readable
from fastmed.prediction.patients import PER_PATIENT, check_patients, patients_table
from fastmed.prediction.predictor import Predictor, RunPredictor
from fastmed.prediction.stream import Chunk, Engine
from fastmed.run import Run
from fastmed.settings.predict import Average


def predict(
    run: Run | str | Path,
    source: str | Path | pd.DataFrame,
    *,
    views: Sequence[str] | None = None,
    average: Average | None = None,
    per_view: bool = False,
    per_patient: bool = False,
    device: str | None = None,
    workers: int | None = None,
    skip_bad: bool = False,
    cache: bool = True,
    calibrate: bool = True,
    prevalence: str | Mapping[str, float] | None = None,
    operating_point: str | None = None,
    sets: float | None = None,
    abstain: str | float | None = None,
) -> pd.DataFrame:
    """Return the predictions table of any images, labelled or not.

    Args:
        run: a run or its folder.
        source: an image, a folder, a CSV, an NPZ file, or an items table.
        views: fixed views that are averaged, as ``["plain", "hflip", "rotate=5"]``; None takes
            the task's.
        average: ``probabilities`` or ``logits`` over the views; None takes the task's.
        per_view: add columns of each view's own scores.
        per_patient: a row a patient, of the mean over all of the patient's images.
        device: ``cpu``, ``cuda``, ...; None takes the best.
        workers: processes that read images; None takes one a core.
        skip_bad: leave out images that can't be read, instead of refusing.
        cache: keep the decoded images on disk, so that none is decoded again.
        calibrate: False leaves the probabilities as the network gives them.
        prevalence: shares of the classes where the images come from, as ``{"true": 0.02}`` or
            ``"true=0.02"``, to which probabilities are corrected.
        operating_point: a rule that says from which probability on an image is flagged, as in
            ``sensitivity=0.95`` or ``class=COVID,youden``.
        sets: the share of the images of each class for which the column ``set`` is to hold it.
        abstain: the share of images that is left to a reader, or ``error=0.05`` for the most
            mistakes among the others.

    Returns:
        One row an image: item, group, target, predicted, score of each class, for grades value
        and grade, with several views their ``spread``, loss where there is a target, split; what
        was asked for; ``unlike``, which says in what an image is unlike the training images, and
        ``distance`` of its content from them.

    Raises:
        DataError: nothing to predict, an image can't be read, or a rule can't be reached.
        RunError: the run is missing, has no weights, or nothing to fit a rule on.
        TaskError: a view is unknown, or an option has no effect.
    """
    manner = Manner(
        views=views,
        average=average,
        per_view=per_view,
        device=device,
        calibrate=calibrate,
        prevalence=prevalence,
        operating_point=operating_point,
        sets=sets,
        abstain=abstain,
    )
    predictor = RunPredictor(run if isinstance(run, Run) else Run.open(run), manner)
    return predicted(
        predictor, source, per_patient=per_patient, workers=workers, skip_bad=skip_bad, cache=cache
    )


def predict_stream(
    run: Run | str | Path,
    source: str | Path | pd.DataFrame,
    *,
    workers: int | None = None,
    cache: bool = True,
    **options: Any,
) -> Iterator[pd.DataFrame]:
    """Yield predictions tables of some hundred images each, in the order of their names.

    Memory doesn't grow with the number of images. Images that can't be read are rows whose column
    ``reason`` says why; it is empty for the others. Columns and errors are those of `predict`.

    Args:
        run: a run or its folder.
        source: an image, a folder, a CSV, an NPZ file, or an items table.
        workers: processes that read images; None takes one a core.
        cache: keep the decoded images on disk, so that none is decoded again.
        options: others of `predict`: from ``views`` to ``device``, from ``calibrate`` to
            ``abstain``; a row a patient, and leaving out, need all images.
    """
    predictor = RunPredictor(run if isinstance(run, Run) else Run.open(run), Manner(**options))
    return stream_of(predictor, source, workers=workers, cache=cache)


def stream_of(
    predictor: Predictor,
    source: str | Path | pd.DataFrame | Listing,
    *,
    workers: int | None = None,
    cache: bool = True,
    done: int = 0,
) -> Iterator[pd.DataFrame]:
    """Yield predictions tables, as `predict_stream` does; ``done`` images are passed by."""
    listing = source if isinstance(source, Listing) else listing_of(predictor.task, source)
    total = len(listing)
    with (
        Engine(predictor.networks(), cache=cache, workers=workers, images=total) as engine,
        counting(f"Predicting {total} images", total, done) as count,
    ):
        for items in listing.parts(engine.rows, done):
            table = predictor.table(engine.chunk(items))
            count(len(items))
            engine.tally.count_unlike(table)
            yield table
        engine.tally.tell()


def predicted(
    predictor: Predictor,
    source: str | Path | pd.DataFrame,
    *,
    per_patient: bool = False,
    workers: int | None = None,
    skip_bad: bool = False,
    cache: bool = True,
) -> pd.DataFrame:
    """Return the predictions table of any images, as `predict` does."""
    if per_patient and predictor.manner.wishes.any:
        raise DataError(PER_PATIENT)
    items = items_of(predictor, source, skip_bad, cache)
    tables: list[pd.DataFrame] = []

    def keep(chunk: Chunk, engine: Engine) -> None:
        table = predictor.table_of_good(chunk)
        engine.tally.count_unlike(table)
        tables.append(table)

    _each_chunk(predictor, items, keep, workers=workers, skip_bad=skip_bad, cache=cache)
    table = pd.concat(tables, ignore_index=True)
    if not per_patient:
        return table
    check_patients(bool((table["group"] != "").any()))
    return patients_table(table, predictor.task, predictor.of_patients)


def outputs_of(
    run: Run,
    source: str | Path | pd.DataFrame,
    *,
    views: Sequence[str] | None = None,
    average: Average | None = None,
    device: str | None = None,
    workers: int | None = None,
    skip_bad: bool = False,
    cache: bool = True,
) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """Return the items of an input, what the run's network gives for them, and what is strange.

    The outputs are (n, K) or (n,); the last table has the columns ``unlike`` and ``distance``.

    Args and errors are those of `predict`.
    """
    predictor = RunPredictor(run, Manner(views=views, average=average, device=device))
    items = items_of(predictor, source, skip_bad, cache)
    chunks: list[Chunk] = []

    def keep(chunk: Chunk, _engine: Engine) -> None:
        chunks.append(chunk)

    _each_chunk(predictor, items, keep, workers=workers, skip_bad=skip_bad, cache=cache)
    found = pd.concat([chunk.items for chunk in chunks], ignore_index=True)
    found.attrs = items.attrs
    strange = pd.concat([chunk.strange[0] for chunk in chunks], ignore_index=True)
    return found, Seen.joined([chunk.seen[0] for chunk in chunks]).mean, strange


def items_of(
    predictor: Predictor, source: str | Path | pd.DataFrame, skip_bad: bool, cache: bool
) -> pd.DataFrame:
    """Return the items of an input; with a cache those that can be read, which are kept there.

    Raises:
        DataError: nothing is there, or an image can't be read.
    """
    task = predictor.task
    items = source if isinstance(source, pd.DataFrame) else read_input(task, source, skip_bad)
    if cache:
        return readable(items, task, skip_bad, cache)
    items = items[items["split"] != LEFT_OUT]
    if items.empty:
        raise DataError(f"no image to predict in {root_of(items)}")
    return items


def _each_chunk(
    predictor: Predictor,
    items: pd.DataFrame,
    keep: Callable[[Chunk, Engine], None],
    *,
    workers: int | None,
    skip_bad: bool,
    cache: bool,
) -> None:
    """Let the networks see all items; refuse those that can't be read, unless they are skipped."""
    total = len(items)
    listing = listing_of(predictor.task, items)
    with (
        Engine(predictor.networks(), cache=cache, workers=workers, images=total) as engine,
        counting(f"Predicting {total} images", total) as count,
    ):
        for part in listing.parts(engine.rows):
            keep(engine.chunk(part), engine)
            count(len(part))
        tally = engine.tally
        if tally.bad:
            unreadable_images(tally.bad, total, tally.first, skip_bad)
        if tally.bad == total:
            raise DataError(f"no image to predict in {root_of(items)}")
        tally.tell(remarks=not cache)

"""Networks that see images: each image is read once, whatever looks at it and however often."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from itertools import islice

import numpy as np
import pandas as pd
from fastai.learner import Learner

from fastmed.console import progress
from fastmed.data.store.cache import Cache
from fastmed.data.store.decoding import Decoded
from fastmed.data.store.inspection import inspect_images, places_of
from fastmed.data.store.prepared import Reader
from fastmed.data.tables import LEFT_OUT, root_of
from fastmed.errors import DataError, TaskError
from fastmed.familiarity.watch import Watch, watching
from fastmed.learn.fitting.interrupts import interrupt_between_batches
from fastmed.learn.input.statistics import Statistics
from fastmed.learn.through_views import Seen, Seer
from fastmed.settings import views as names_of_views
from fastmed.settings.predict import Average
from fastmed.task import Task


def readable(items: pd.DataFrame, task: Task, skip_bad: bool, cache: bool) -> pd.DataFrame:
    """Return the items that can be read, each looked at once.

    Raises:
        DataError: an image can't be read, or there is none.
    """
    kept = Cache(task.image) if cache else None
    items = inspect_images(items, root_of(items), task.image, skip_bad, kept)
    items = items[items["split"] != LEFT_OUT]
    if items.empty:
        raise DataError(f"no image to predict in {root_of(items)}")
    return items


def check_views(views: Sequence[str]) -> list[str]:
    """Return the views as they are written everywhere, each known and named once.

    Raises:
        TaskError: a view is unknown or stands twice.
    """
    try:
        return names_of_views.check_views(list(views))
    except ValueError as error:
        raise TaskError(str(error)) from None


def check_average(task: Task, views: Sequence[str], average: Average | None) -> Average | None:
    """Return what is averaged over views: as it was asked for, or as the task says.

    Raises:
        TaskError: what was asked for has no effect.
    """
    if average is None:
        return task.predict.average
    if average not in ("probabilities", "logits"):
        raise TaskError(f"no average of '{average}'; there are 'probabilities' and 'logits'")
    if len(views) == 1:
        raise TaskError(f"average = '{average}' has no effect with one view")
    if task.goal == "grade" and not task.ordinal:
        raise TaskError(
            f"average = '{average}' has no effect here: the network gives values of grades, which "
            "are averaged"
        )
    return average


def coded_metadata(statistics: Statistics, items: pd.DataFrame) -> np.ndarray | None:
    """Return the metadata of items as networks take it, (n, width); None if they take none."""
    if statistics.metadata is None:
        return None
    return np.asarray(statistics.metadata.encode(items), dtype=np.float32)


def seen_through(
    seer: Seer,
    pixels: Iterable[np.ndarray],
    metadata: np.ndarray | None,
    watch: Watch | None = None,
) -> Iterator[Seen]:
    """Yield what a network gives for images, a batch at a time.

    Args:
        seer: the network, at work.
        pixels: of the images, in order.
        metadata: of all of them, (n, width).
        watch: sees the images and what the network's body makes of them.
    """
    done, rest = 0, iter(pixels)
    while some := list(islice(rest, seer.batch)):
        rows = None if metadata is None else metadata[done : done + len(some)]
        yield seer.see(some, rows, watch.look if watch else None)
        done += len(some)


@contextmanager
def all_at_work(seers: Sequence[Seer]) -> Iterator[None]:
    """Prepare networks for what they are to see."""
    with ExitStack() as stack:
        for seer in seers:
            stack.enter_context(seer.at_work())
        yield


def network_outputs(
    learn: Learner,
    task: Task,
    items: pd.DataFrame,
    statistics: Statistics,
    *,
    views: Sequence[str] | None = None,
    average: Average | None = None,
    workers: int | None = None,
    cache: bool = True,
    watch: Watch | None = None,
) -> np.ndarray:
    """Return the mean over views of probabilities (n, K), or of values of plain grades (n,).

    A watch sees the images and what the network's body makes of them.

    Raises:
        DataError: an image can't be read, or is not the one that was inspected.
    """
    chosen = check_views(views or task.predict.views)
    seer = Seer(learn, task, statistics, chosen, average or task.predict.average)
    look = watching(learn.model, watch) if watch else nullcontext()
    kept = Cache(task.image) if cache else None
    with (
        Reader(task.image, kept, processes_of(workers)) as reader,
        interrupt_between_batches() as heed,
        seer.at_work(),
        look,
    ):
        pixels = _heeding(checked_pixels(reader, items), heed)
        told = progress(pixels, f"Predicting {len(items)} images", len(items))
        seen = list(seen_through(seer, told, coded_metadata(statistics, items), watch))
    return Seen.joined(seen).mean


def processes_of(workers: int | None) -> int | None:
    """Return how many processes read images; None takes one a core."""
    return None if workers is None else max(1, workers)


def checked_pixels(reader: Reader, items: pd.DataFrame) -> Iterator[np.ndarray]:
    """Yield the images of items as the network sees them.

    Raises:
        DataError: one can't be read, or has changed since it was inspected.
    """
    root = root_of(items)
    contents = items["content"] if "content" in items else [""] * len(items)
    found = reader.read(places_of(items, root))
    for image, content, decoded in zip(items["image"], contents, found, strict=True):
        reason = decoded.reason or change_of(decoded, content)
        if reason:
            raise DataError(f"{root / image}: {reason}")
        yield decoded.pixels


def change_of(decoded: Decoded, content: str) -> str:
    """Return what is wrong with an image that is not the one that was inspected, or nothing."""
    if content and decoded.content != content:
        return "it has changed since it was inspected; put the old file back, or begin anew"
    return ""


def _heeding(pixels: Iterable[np.ndarray], heed: Callable[[], None]) -> Iterator[np.ndarray]:
    for image in pixels:
        heed()
        yield image

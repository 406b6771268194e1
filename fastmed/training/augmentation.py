"""Augmentation to look at: training images plain and as the network sees them."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from fastmed.data.items import read_items
from fastmed.learn.input.augmented import augmented_pictures, check_augmentation
from fastmed.learn.input.statistics import Statistics
from fastmed.results.figures.augmented import augmentation_words
from fastmed.results.figures.augmented import augmented_figure as draw
from fastmed.results.figures.style import save
from fastmed.run import Run
from fastmed.task import Task


def augmented_figure(
    task: Task,
    data: str | Path | pd.DataFrame,
    *,
    images: int = 5,
    variants: int = 7,
    seed: int = 0,
    skip_bad: bool = False,
    cache: bool = True,
) -> Figure:
    """Return a figure of training images, each plain and in several random augmentations.

    Nothing is trained, and random generators are left as they were.

    Args:
        task: whose augmentation is shown; its settings are in the title.
        data: the folder of the data set, or the items that `read_items` made of it.
        images: how many, the classes in turn.
        variants: of each, beside the plain one.
        seed: another one shows other images.
        skip_bad: leave out images that can't be read, instead of refusing.
        cache: keep the decoded images on disk.

    Raises:
        TaskError: the task has no augmentation.
        DataError: the data are not as the task declares them.
    """
    check_augmentation(task)
    items = data if isinstance(data, pd.DataFrame) else read_items(task, data, skip_bad, cache)
    names, pictures = augmented_pictures(
        task, items, images=images, variants=variants, seed=seed, cache=cache
    )
    return draw(names, pictures, augmentation_words(task.augment))


def draw_augmented(run: Run, items: pd.DataFrame, statistics: Statistics, cache: bool) -> None:
    """Write a run's ``figures/augmented.png``, if its training images are augmented at all."""
    task = run.task
    if task.metadata_only or not task.augment.active:
        return
    names, pictures = augmented_pictures(task, items, statistics=statistics, cache=cache)
    save(draw(names, pictures, augmentation_words(task.augment)), run.figures / "augmented.png")

"""Training images as the network sees them: plain, and in random augmentations."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from fastai.data.core import DataLoaders
from fastai.data.load import fa_collate

from fastmed.data.tables import part
from fastmed.errors import TaskError
from fastmed.learn.fitting.randomness import untouched_randomness
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.input.statistics import Statistics, measure
from fastmed.task import Task

Pictures = list[list[np.ndarray]]


def check_augmentation(task: Task) -> None:
    """Refuse a task whose training images are never changed.

    Raises:
        TaskError: says what to set.
    """
    if task.metadata_only:
        raise TaskError("train.arch = 'metadata' looks at no image, so none is augmented")
    if not task.augment.active:
        raise TaskError(
            f"task '{task.name}' has no augmentation: each training image is seen as it is; set "
            "some as in --set augment.flip_horizontal=0.5 --set augment.rotate=15"
        )


def augmented_pictures(
    task: Task,
    items: pd.DataFrame,
    *,
    images: int = 5,
    variants: int = 7,
    seed: int = 0,
    statistics: Statistics | None = None,
    cache: bool = True,
) -> tuple[list[str], Pictures]:
    """Return the classes of a few training images, and each of them plain and augmented.

    The pictures come out of the transforms that the training's batches go through, with the
    normalisation taken back. The random generators are left as they were.

    Args:
        task: whose augmentation is shown.
        items: of which training images are drawn, the classes in turn.
        images: how many. variants: of each, beside the plain one.
        seed: of the draw and of the augmentation.
        statistics: of the pixels; None measures them.
        cache: take decoded images from the cache.

    Returns:
        Names of classes (images,), and for each image its pictures, the plain one first: uint8
        (size, size) or (size, size, 3).

    Raises:
        TaskError: the task has no augmentation.
    """
    check_augmentation(task)
    chosen = draw_images(part(items, "train"), task.classes, images, seed)
    with untouched_randomness(seed):
        known = statistics or measure(task, items, cache)
        frame = pd.concat([chosen, chosen.assign(split="valid")], ignore_index=True)
        frame.attrs.update(items.attrs)
        small = task.with_changes({"train.batch": max(2, len(chosen))})
        loaders = dataloaders(small, frame, known, device="cpu", workers=0, cache=cache)
        for loader in loaders.loaders:
            loader.before_iter()  # tells the transforms whether they are to train
        pictures = [_variants(loaders, place, variants, known) for place in range(len(chosen))]
    return chosen["target"].tolist(), pictures


def draw_images(
    training: pd.DataFrame, classes: Sequence[str], count: int, seed: int
) -> pd.DataFrame:
    """Return some training images, the classes in turn; the same seed draws the same ones."""
    order = training.drop_duplicates("item").sort_values("item", kind="stable")
    order = order.iloc[np.random.default_rng(seed).permutation(len(order))]
    turn = order.groupby("target").cumcount()
    rank = order["target"].map({name: place for place, name in enumerate(classes)})
    ordered = order.assign(turn=turn, rank=rank).sort_values(["turn", "rank"], kind="stable")
    return ordered.drop(columns=["turn", "rank"]).head(count).assign(copies=1)


def _variants(
    loaders: DataLoaders, place: int, variants: int, statistics: Statistics
) -> list[np.ndarray]:
    sample = loaders.train_ds[place]
    plain = loaders.valid.after_batch(_batch(sample, 1, loaders))[0]
    changed = loaders.train.after_batch(_batch(sample, variants, loaders))[0]
    return [*_pixels(plain, statistics), *_pixels(changed, statistics)]


def _batch(sample: tuple, times: int, loaders: DataLoaders) -> tuple:
    return fa_collate([loaders.train.after_item(sample) for _ in range(times)])


def _pixels(batch: torch.Tensor, statistics: Statistics) -> list[np.ndarray]:
    """Return a normalised batch (n, C, H, W) as n pictures of 0 to 255."""
    plain = batch.as_subclass(torch.Tensor)
    mean, deviation = (plain.new_tensor(one)[:, None, None] for one in
                       (statistics.mean, statistics.std))  # fmt: skip
    pixels = ((plain * deviation + mean) * 255).round().clamp(0, 255).to(torch.uint8)
    every = pixels.permute(0, 2, 3, 1).numpy()
    return [one[..., 0] if one.shape[-1] == 1 else one for one in every]

"""From the items table to fastai: a DataBlock, its DataLoaders, and a loader for new images."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from fastai.data.block import CategoryBlock, DataBlock, TransformBlock
from fastai.data.core import DataLoaders, TfmdDL
from fastai.data.transforms import IntToFloatTensor
from fastcore.foundation import L
from fasttransform import Transform

from fastmed.data.store.cache import Cache
from fastmed.data.tables import ITEM_DEFAULTS, grades_of, part, root_of
from fastmed.errors import DataError, TaskError, TrainingError
from fastmed.learn.distributed.devices import own_device
from fastmed.learn.input.augment import make_augmentation, without_augmentation
from fastmed.learn.input.balanced import BalancedLoader
from fastmed.learn.input.cached import CachedLoader
from fastmed.learn.input.grade_block import grade_block
from fastmed.learn.input.meta_block import metadata_block
from fastmed.learn.input.normalize import NormalizeInPlace
from fastmed.learn.input.open_image import OpenImage
from fastmed.learn.input.statistics import Statistics, measure, with_metadata
from fastmed.task import Task


class ReadTarget(Transform):
    """Reads a row's target: a class name, or for grades its position as a number."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.goal, self.classes = task.goal, task.classes

    def encodes(self, row: pd.Series) -> Any:
        """Return the target of a row."""
        if self.goal == "category":
            return str(row["target"])
        return float(grades_of([row["target"]], self.classes)[0])


def data_block(
    task: Task, root: Path, statistics: Statistics, cache: Cache | None = None
) -> DataBlock:
    """Return the task as a fastai DataBlock over rows of the items table."""
    opener = OpenImage(root, task.image, cache)
    kind = BalancedLoader if task.balance.method == "sampler" else CachedLoader
    image = TransformBlock(type_tfms=opener, batch_tfms=IntToFloatTensor, dl_type=kind)
    category = task.goal == "category"
    target = CategoryBlock(vocab=list(task.classes), sort=False) if category else grade_block()
    normalize = NormalizeInPlace.from_stats(statistics.mean, statistics.std, cuda=False)
    inputs = [image, *_metadata_blocks(task, statistics)]
    return DataBlock(
        blocks=[*inputs, target],
        n_inp=len(inputs),
        get_y=ReadTarget(task),
        splitter=_by_part,
        batch_tfms=[*make_augmentation(task.augment), normalize],
    )


def dataloaders(
    task: Task,
    items: pd.DataFrame,
    statistics: Statistics | None = None,
    *,
    device: str | None = None,
    workers: int | None = None,
    cache: bool = True,
) -> DataLoaders:
    """Return fastai DataLoaders of the training and validation part.

    Args:
        task: says how images are read, augmented and batched.
        items: with its split made, as `read_items` returns it.
        statistics: mean and deviation of the pixels; None takes what the task says.
        device: ``cpu``, ``cuda``, ...; None takes the best.
        workers: loader processes; None chooses by the number of cores.
        cache: take decoded images from the cache, where `read_items` has put them.

    Raises:
        DataError: the training or the validation part is too small.
    """
    frame = _training_frame(task, items)
    statistics = with_metadata(statistics or measure(task, items, cache), task, items)
    images = int((frame["split"] == "train").sum())
    if task.train.batch < 2 and task.head.batch_norm != "none":
        raise TaskError(
            f"train.batch = 1 does not work with head.batch_norm = '{task.head.batch_norm}'; use 2 "
            "or more"
        )
    kept = Cache(task.image) if cache else None
    block = data_block(task, root_of(items), statistics, kept)
    return _loaders(block, frame, min(task.train.batch, images), device, workers)


def empty_dataloaders(
    task: Task,
    statistics: Statistics,
    root: Path = Path(),
    device: str | None = None,
    cache: Cache | None = None,
) -> DataLoaders:
    """Return DataLoaders without data, whose ``test_dl`` makes loaders for new images.

    They hold one black image in each part, since fastai looks at an item to know its types.
    """
    row = {**ITEM_DEFAULTS, "target": task.classes[0]}
    frame = pd.DataFrame([{**row, "split": "train"}, {**row, "split": "valid"}])
    return _loaders(data_block(task, root, statistics, cache), frame, 1, device, workers=0)


def loader_of(
    task: Task,
    items: pd.DataFrame,
    statistics: Statistics,
    *,
    device: str | None = None,
    workers: int | None = None,
    cache: bool = True,
) -> TfmdDL:
    """Return a loader of image batches (B, C, size, size) of any items, in their order."""
    kept = Cache(task.image) if cache else None
    dls = empty_dataloaders(task, statistics, root_of(items), device, kept)
    loader = dls.test_dl(items.reset_index(drop=True), bs=task.train.batch, num_workers=0)
    return _with_workers(loader, len(items), workers)


def _metadata_blocks(task: Task, statistics: Statistics) -> list[TransformBlock]:
    if not task.meta:
        return []
    if statistics.metadata is None:
        raise TaskError("the statistics don't code the task's metadata; take those of `measure`")
    return [metadata_block(statistics.metadata)]


def default_workers(images: int, device: torch.device) -> int:
    """Return a number of loader processes that pays off; on a CPU they take the network's cores."""
    cores = os.cpu_count() or 1
    if images < 64:
        return 0
    return cores // 4 if device.type == "cpu" else min(8, cores)


def choose_device(name: str | None) -> torch.device:
    """Return the device of this name, or the best there is; of several processes each has its own.

    Raises:
        TrainingError: the name is unknown or there is no such device.
    """
    name = own_device(name)
    if name is None:
        from fastai.torch_core import default_device

        return torch.device(default_device())
    try:
        device = torch.device(name)
    except RuntimeError:
        names = "they are called cpu, cuda, cuda:1, mps"
        raise TrainingError(f"no device '{name}' here; {names}") from None
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].split(". ")[0]
        raise TrainingError(f"no device '{name}' here ({reason}); use --device cpu") from None
    return device


def _training_frame(task: Task, items: pd.DataFrame) -> pd.DataFrame:
    train, valid = part(items, "train"), part(items, "valid")
    if len(train) < 2:
        raise DataError(f"{len(train)} training images; at least 2 are needed")
    if valid.empty:
        raise DataError(
            "the validation part is empty, so that no epoch can be chosen; "
            "draw one with --set split.valid=0.2"
        )
    repeated = train.loc[train.index.repeat(train["copies"])]
    return pd.concat([repeated, valid], ignore_index=True)


def _loaders(
    block: DataBlock, frame: pd.DataFrame, batch: int, device: str | None, workers: int | None
) -> DataLoaders:
    chosen = choose_device(device)
    dls = block.dataloaders(frame, bs=batch, num_workers=0, device=chosen)
    dls.to(chosen)
    for loader in dls.loaders:
        _with_workers(loader, len(frame), workers)
    # fastai would let other images pass the geometric changes too, resampled onto themselves.
    dls.valid.after_batch.fs = L(without_augmentation(dls.valid.after_batch.fs))
    return dls


def _with_workers(loader: CachedLoader, images: int, workers: int | None) -> CachedLoader:
    """Return the loader with its number of processes; images that are kept need none."""
    if workers is None:
        workers = 0 if loader.stored else default_workers(images, loader.device)
    loader.fake_l.num_workers = workers
    return loader


def _by_part(frame: pd.DataFrame) -> tuple[list[int], list[int]]:
    split = frame["split"].to_numpy()
    return np.flatnonzero(split == "train").tolist(), np.flatnonzero(split == "valid").tolist()

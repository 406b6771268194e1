"""From the items table to fastai: a DataBlock, its DataLoaders, and a loader for new images."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from fastai.data.block import CategoryBlock, DataBlock, TransformBlock
from fastai.data.core import DataLoaders, TfmdDL
from fastai.data.transforms import IntToFloatTensor
from fastai.vision.core import PILImage, PILImageBW
from fastcore.foundation import L
from fasttransform import Transform
from PIL import Image

from fastmed.data.cache import Cache
from fastmed.data.decoding import digest_of
from fastmed.data.image import open_image, open_item
from fastmed.data.metadata import MetadataEncoder
from fastmed.data.tables import ITEM_DEFAULTS, grades_of, part, root_of
from fastmed.data.transform import prepare
from fastmed.errors import DataError, TaskError, TrainingError
from fastmed.image_settings import ImageSettings, Normalization
from fastmed.learn.architectures import resolve_arch
from fastmed.learn.augment import make_augmentation, without_augmentation
from fastmed.learn.cached import CachedLoader, Stored, stored_items
from fastmed.learn.grade_block import grade_block
from fastmed.learn.meta_block import metadata_block
from fastmed.learn.model import normalization_of
from fastmed.learn.normalize import NormalizeInPlace
from fastmed.task import Task

MEASURED = 1000  # images that `normalize = "data"` looks at, spread over the training part


@dataclass(frozen=True)
class Statistics:
    """What the training part decides: mean and deviation of each channel, coding of metadata.

    Attributes:
        mean, std: of the pixels, on a scale of 0 to 1.
        metadata: None where the network sees none.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    metadata: MetadataEncoder | None = None

    def of_grey(self) -> "Statistics":
        """Return the mean over the channels, for a network that sees one."""
        return Statistics((float(np.mean(self.mean)),), (float(np.mean(self.std)),))


class OpenImage(Transform):
    """Opens a row of the items table (or a path, or pixels) as the network's square image."""

    input_types = (pd.Series, str, Path, np.ndarray)  # what ``learn.predict`` may be given

    def __init__(self, root: Path, settings: ImageSettings, cache: Cache | None = None) -> None:
        super().__init__()
        self.root, self.settings, self.cache = root, settings, cache

    def encodes(self, item: Any) -> PILImage:
        """Return the image, (size, size) RGB, or grey for a network of one channel."""
        pixels = Image.fromarray(prepare(self._pixels(item), self.settings))
        if self.settings.channels == 1:
            return PILImageBW.create(np.asarray(pixels.convert("L")))
        return PILImage.create(np.asarray(pixels.convert("RGB")))

    def stored(self, items: Any) -> Stored | None:
        """Return where the images of items are in the cache; None if one is not there."""
        return stored_items(self.cache, items, self.root)

    def _pixels(self, item: Any) -> np.ndarray:
        if isinstance(item, np.ndarray):
            return item
        if isinstance(item, str | Path):
            return open_image(self.root / item, self.settings).pixels
        if not item["image"]:
            return np.zeros((8, 8), np.uint8)
        place = item["image"], item["array"], item["index"]
        if not item["array"]:
            _check_unchanged(self.root / item["image"], item.get("content", ""))
        return open_item(self.root, *place, settings=self.settings).pixels


def _check_unchanged(file: Path, content: str) -> None:
    """Refuse a file, before it is decoded, that is not the one that was inspected."""
    if content and file.is_file() and digest_of(file) != content:
        raise DataError(
            f"{file}: it has changed since it was inspected; put the old file back, or begin anew"
        )


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
    image = TransformBlock(type_tfms=opener, batch_tfms=IntToFloatTensor, dl_type=CachedLoader)
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
    statistics = _with_metadata(statistics or measure(task, items), task, items)
    images = int((frame["split"] == "train").sum())
    if task.train.batch < 2 and task.head.batch_norm:
        raise TaskError("train.batch = 1 does not work with head.batch_norm = true; use 2 or more")
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


def measure(task: Task, items: pd.DataFrame) -> Statistics:
    """Return what the task's images are normalised by, and how its metadata is coded."""
    return _with_metadata(_pixel_statistics(task, items), task, items)


def _pixel_statistics(task: Task, items: pd.DataFrame) -> Statistics:
    rule = task.image.normalize
    if rule == "data":
        return _of_training_part(task, part(items, "train"), root_of(items))
    if isinstance(rule, Normalization):
        found = Statistics(rule.mean, rule.std)
    else:
        download = task.train.pretrained and task.train.weights is None
        found = Statistics(*normalization_of(resolve_arch(task.train.arch, download)))
    return found if task.image.channels == 3 else found.of_grey()


def _with_metadata(statistics: Statistics, task: Task, items: pd.DataFrame) -> Statistics:
    if not task.meta or statistics.metadata is not None:
        return statistics
    return replace(statistics, metadata=MetadataEncoder.fit(part(items, "train"), task.meta))


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
    """Return the device of this name, or the best there is.

    Raises:
        TrainingError: the name is unknown or there is no such device.
    """
    if name is None:
        from fastai.torch_core import default_device

        return torch.device(default_device())
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
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


def _of_training_part(task: Task, train: pd.DataFrame, root: Path) -> Statistics:
    opener = OpenImage(root, task.image)
    chosen = np.unique(np.linspace(0, len(train) - 1, MEASURED).astype(int))
    sums = np.zeros((2, task.image.channels))
    for position in chosen:
        pixels = np.atleast_3d(opener.encodes(train.iloc[position])).astype(np.float64) / 255
        sums += [pixels.mean((0, 1)), (pixels**2).mean((0, 1))]
    mean, square = sums / len(chosen)
    deviation = np.sqrt(np.maximum(square - mean**2, 1e-6))
    return Statistics(tuple(mean.round(6).tolist()), tuple(deviation.round(6).tolist()))

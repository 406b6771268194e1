"""The pictures of a conversion, written one after the other."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from PIL import Image

from fastmed import console
from fastmed.data.pixels.image import open_item
from fastmed.data.store.cache import Cache
from fastmed.data.store.decoding import Place
from fastmed.data.store.prepared import prepared_images
from fastmed.errors import DataError
from fastmed.settings.image import ImageSettings

Thing = TypeVar("Thing")
Made = TypeVar("Made")

QUALITY = 95  # of JPEG
TOGETHER = 32  # pictures in memory at a time
LEVEL = 3  # of zlib for PNG: 6 takes 2.5 times as long for files 12% smaller


class Way(NamedTuple):
    """How pictures are written.

    Attributes:
        format: PNG is lossless; JPEG is smaller and changes pixels.
        quality: of JPEG, 1 to 100; None takes 95. It has no meaning for PNG.
        original_size: as decoded, without the task's operations and size.
    """

    format: Literal["png", "jpeg"] = "png"
    quality: int | None = None
    original_size: bool = False

    @property
    def jpeg_quality(self) -> int:
        """Of JPEG, where none is given too."""
        return QUALITY if self.quality is None else self.quality

    @property
    def suffix(self) -> str:
        """Of the files."""
        return ".png" if self.format == "png" else ".jpg"


AS_PNG = Way()


def write_pictures(
    places: Sequence[Place],
    files: Sequence[Path],
    settings: ImageSettings,
    way: Way,
    cache: Cache | None = None,
) -> None:
    """Write each image into its file; the folders are made.

    Pictures have no metadata, and the same pixels give the same bytes.

    Args:
        places: of the images.
        files: to write, in the same order.
        settings: how images are read and prepared.
        way: how they are written.
        cache: of decoded images.

    Raises:
        DataError: an image can't be read any more.
        OSError: a file can't be written.
    """
    for folder in {file.parent for file in files}:
        folder.mkdir(parents=True, exist_ok=True)
    opened = (
        _original(places, settings) if way.original_size else _prepared(places, settings, cache)
    )
    jobs = zip(opened, files, strict=True)
    done = _in_threads(lambda job: _write(*job, way), jobs)
    for _ in console.progress(done, "Writing images", len(files)):
        pass


def _original(places: Sequence[Place], settings: ImageSettings) -> Iterator[np.ndarray]:
    """Yield images as they are decoded; all of them were opened before, in other processes."""
    return _in_threads(lambda place: open_item(*place, settings).pixels, places)


def _prepared(
    places: Sequence[Place], settings: ImageSettings, cache: Cache | None
) -> Iterator[np.ndarray]:
    """Yield images as the network sees them."""
    found = prepared_images(places, settings, cache)
    for place, decoded in zip(places, found, strict=True):
        if decoded.reason:
            raise DataError(f"{place.file}: {decoded.reason}")
        yield decoded.pixels


def _write(pixels: np.ndarray, file: Path, way: Way) -> None:
    picture = Image.fromarray(pixels)
    if way.format == "png":
        picture.save(file, "PNG", compress_level=LEVEL)
    else:
        picture.save(file, "JPEG", quality=way.jpeg_quality, subsampling=0, optimize=True)


def _in_threads(do: Callable[[Thing], Made], things: Iterable[Thing]) -> Iterator[Made]:
    """Yield what is made of the things, in order, some of them at a time."""
    things = iter(things)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while some := list(islice(things, TOGETHER)):
            yield from pool.map(do, some)

"""Images decoded in processes of their own: what each turned out to be, or why it is bad."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fastmed.console import clear_sentence
from fastmed.data.operations.transform import prepare
from fastmed.data.pixels.image import open_item
from fastmed.data.store.crew import MEMORY, SECONDS, Crew, too_large
from fastmed.errors import DataError, FastmedError
from fastmed.settings.image import ImageSettings

TOGETHER = 16  # images handed to a process at a time,
_SPARSE = 61  # of so many rows of an image one is looked at before all are
SENT = 2**23  # or as many as have so many pixels


class Place(NamedTuple):
    """Where one image is: a file below a root, or a row of an array in it."""

    root: Path
    image: str
    array: str = ""
    position: int = -1

    @property
    def file(self) -> Path:
        """The file that holds the image."""
        return self.root / self.image


class Decoded(NamedTuple):
    """What one image turned out to be, or why it can't be read.

    Attributes:
        pixels: as the network sees them, uint8 (size, size), or (size, size, 3) if the channels
            differ; empty if bad.
        content: SHA-256 of the image's bytes.
        decoded: SHA-256 of its pixels, before any operation; see `digest_of_pixels`.
        decoder, scaling, remark: as the reader says.
        reason: why it can't be read; empty if it can.
        stamp: what tells that the file is the same as before.
    """

    pixels: np.ndarray
    content: str = ""
    decoded: str = ""
    decoder: str = ""
    scaling: str = ""
    remark: str = ""
    reason: str = ""
    stamp: str = ""


def bad(reason: str) -> Decoded:
    """Return what stands for an image that can't be read."""
    return Decoded(np.empty(0, np.uint8), reason=reason)


def stamp_of(file: Path) -> str:
    """Return what tells that a file is the same as before: its size, times and number."""
    try:
        state = file.stat()
    except OSError:
        return ""
    return f"{state.st_size}-{state.st_mtime_ns}-{state.st_ctime_ns}-{state.st_ino}"


def decode(place: Place, settings: ImageSettings) -> Decoded:
    """Return one image as the network sees it, decoded in this process."""
    file = place.file
    stamp = stamp_of(file)
    try:
        opened = open_item(*place, settings)
        content = digest_of(opened.pixels if place.array else file)
        decoded = digest_of_pixels(opened.pixels)
        prepared = in_one_channel(prepare(opened.pixels, settings))
        return Decoded(prepared, content, decoded, *opened[1:], stamp=stamp)
    except DataError as error:
        return bad(str(error).removeprefix(f"{file}: "))
    except FastmedError:
        raise
    except MemoryError:
        return bad(too_large())
    except Exception as error:
        return bad(f"it can't be made into the network's input ({clear_sentence(error)})")


def digest_of(content: np.ndarray | Path) -> str:
    """Return the SHA-256 of pixels or of a file."""
    if isinstance(content, np.ndarray):
        return hashlib.sha256(content.tobytes()).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of_pixels(pixels: np.ndarray) -> str:
    """Return the SHA-256 of an image's shape and pixels, uint8 (H, W) or (H, W, 3).

    A grey image in three equal channels has the digest of its one channel, so that copies are
    found in whatever format they were written without loss.
    """
    pixels = in_one_channel(pixels)
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def in_one_channel(pixels: np.ndarray) -> np.ndarray:
    """Return an image, uint8 (H, W) or (H, W, 3), without two of three equal channels.

    Many grey images are written in colour; they take a third of the space and of the work.
    """
    if pixels.ndim == 3 and _is_grey(pixels[::_SPARSE]) and _is_grey(pixels):
        return np.ascontiguousarray(pixels[..., 0])
    return pixels


def _is_grey(pixels: np.ndarray) -> bool:
    return bool((pixels == pixels[..., :1]).all())


def decode_all(
    places: Sequence[Place],
    settings: ImageSettings,
    processes: int | None = None,
    seconds: float = SECONDS,
    memory: int = MEMORY,
) -> Iterator[Decoded]:
    """Yield each image as the network sees it, in order, decoded by several processes.

    Images are handed out some at a time; of those among which one fails, each is decoded anew
    by itself, so that exactly the bad one is found.

    Args:
        places: of the images.
        settings: how they are read and prepared.
        processes: that decode; None takes one a core.
        seconds: for one image; what takes longer is a bad file.
        memory: bytes that a process may take, where the system can limit it (Linux).
    """
    yield from decoders(settings, processes, seconds, memory).results(places)


def decoders(
    settings: ImageSettings,
    processes: int | None = None,
    seconds: float = SECONDS,
    memory: int = MEMORY,
) -> Crew[Place, Decoded]:
    """Return the processes that decode images; arguments are those of `decode_all`."""
    together = max(1, min(TOGETHER, SENT // settings.size**2))
    work = partial(_decode_some, settings=settings)
    return Crew(work, bad, together, processes, seconds, memory)


def _decode_some(places: Sequence[Place], settings: ImageSettings) -> list[Decoded]:
    return [decode(place, settings) for place in places]

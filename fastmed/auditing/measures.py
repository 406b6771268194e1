"""What the audit measures on one image, once, and how that is kept."""

import json
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fastmed.auditing.headers import NOTHING, read_said
from fastmed.auditing.lettering import letters_in
from fastmed.auditing.looks import THUMBNAIL, border_of, ground_of, quality_of, thumbnail_of
from fastmed.auditing.pairs import SMALL
from fastmed.auditing.prints import BITS, KINDS, VARIANTS, prints_of
from fastmed.console import clear_sentence
from fastmed.data.pixels.file_facts import read_facts
from fastmed.data.pixels.image import open_item
from fastmed.data.store.decoding import Place, digest_of_pixels
from fastmed.errors import DataError
from fastmed.settings.image import ImageSettings

_SHAPES = {
    "prints": (len(KINDS), VARIANTS, BITS // 8),
    "small": (SMALL, SMALL),
    "thumbnail": (THUMBNAIL**2 * 3,),
}
_BORDER = np.dtype("<f4")


class Measures(NamedTuple):
    """What was measured on an image.

    Attributes:
        told: numbers and words: what the header says, exposure, sharpness, ground, lettering.
        prints: hashes, uint8 (2, 8, 32).
        small: the grey image, uint8 (64, 64).
        thumbnail: uint8 (192,).
        border: float32 (n,).
    """

    told: dict[str, Any]
    prints: NDArray[np.uint8]
    small: NDArray[np.uint8]
    thumbnail: NDArray[np.uint8]
    border: NDArray[np.float32]


def measured(place: Place, settings: ImageSettings) -> bytes:
    """Return what was measured on an image, packed; only a reason if it can't be read."""
    try:
        return packed(measure(place, settings))
    except DataError as error:
        return unreadable(str(error).removeprefix(f"{place.file}: "))
    except MemoryError:
        return unreadable("it doesn't fit into memory")
    except Exception as error:
        return unreadable(f"it can't be measured ({clear_sentence(error)})")


def unreadable(reason: str) -> bytes:
    """Return what stands for an image that can't be measured."""
    return json.dumps({"reason": reason}).encode()


def measure(place: Place, settings: ImageSettings) -> Measures:
    """Return what is measured on an image, read as the settings say, before any operation.

    Raises:
        DataError: it can't be read.
    """
    pixels = open_item(*place, settings).pixels
    grey = _grey(pixels)
    coloured = pixels.ndim == 3 and not bool((pixels == pixels[..., :1]).all())
    facts = read_facts(place.file, place.array)
    said = NOTHING if place.array else read_said(place.file)
    told = {
        **facts._asdict(),
        **said._asdict(),
        **quality_of(grey)._asdict(),
        **ground_of(grey)._asdict(),
        "bytes": float("nan") if place.array else place.file.stat().st_size,
        "coloured": coloured,
        "decoded": digest_of_pixels(pixels),
        "letters": letters_in(grey),
        "reason": "",
    }
    small = cv2.resize(grey, (SMALL, SMALL), interpolation=_fitting(grey))
    return Measures(
        told, prints_of(grey), np.asarray(small, np.uint8), thumbnail_of(pixels), border_of(pixels)
    )


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if pixels.ndim == 2:
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _fitting(grey: NDArray[np.uint8]) -> int:
    return int(cv2.INTER_AREA if min(grey.shape) > SMALL else cv2.INTER_LINEAR)


def packed(measures: Measures) -> bytes:
    """Return measures as bytes: a line of JSON, then the arrays."""
    arrays = [getattr(measures, name).tobytes() for name in _SHAPES]
    border = measures.border.astype(_BORDER).tobytes()
    return b"\n".join([json.dumps(measures.told).encode(), b"".join([*arrays, border])])


def unpacked(content: bytes) -> Measures | str:
    """Return measures, or the reason why there are none."""
    line, _, rest = content.partition(b"\n")
    told = json.loads(line)
    if told["reason"]:
        return str(told["reason"])
    arrays, start = {}, 0
    for name, shape in _SHAPES.items():
        stop = start + int(np.prod(shape))
        arrays[name] = np.frombuffer(rest[start:stop], np.uint8).reshape(shape)
        start = stop
    border = np.frombuffer(rest[start:], _BORDER).astype(np.float32)
    return Measures(told, arrays["prints"], arrays["small"], arrays["thumbnail"], border)

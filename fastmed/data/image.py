"""One door for every image: PNG, JPEG, TIFF, ..., DICOM and rows of NPZ arrays."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fastmed.data.dicom import DICOM_SUFFIXES, is_dicom, read_dicom
from fastmed.data.npz import read_images
from fastmed.data.opened import Opened
from fastmed.data.remarks import remarks
from fastmed.errors import DataError
from fastmed.image_settings import ImageSettings

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp")
IMAGE_SUFFIXES = (*PICTURE_SUFFIXES, *DICOM_SUFFIXES)
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")
AS_DECLARED = ImageSettings()


def is_image(path: Path) -> bool:
    """True if a file is meant as an image: by its suffix, or DICOM with a suffix that is none."""
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return path.is_file()
    unnamed = not suffix or suffix[1:].isdigit()
    return unnamed and path.is_file() and path.name != "DICOMDIR" and is_dicom(path)


def open_item(
    root: Path, image: str, array: str, index: int, settings: ImageSettings = AS_DECLARED
) -> Opened:
    """Return one item: a file, or a row of an array in an NPZ file.

    Raises:
        DataError: the image can't be read.
    """
    if not array:
        return open_image(root / image, settings)
    rows = read_images(root / image, array)
    if not 0 <= index < len(rows):
        raise DataError(f"{root / image}: '{array}' has {len(rows)} images, none at {index}")
    return Opened(np.array(rows[index]), "numpy", "8 bits")


def open_image(path: Path, settings: ImageSettings = AS_DECLARED) -> Opened:
    """Return an image file, upright and on a scale of 0 to 255.

    Args:
        path: of a PNG, JPEG, TIFF, BMP, GIF, WebP or DICOM file.
        settings: say how more than 8 bits, several frames and transparency are taken.

    Raises:
        DataError: the file is missing, empty, broken, too large or no image.
    """
    try:
        if not path.is_file():
            raise DataError(f"{path}: there is no such file")
        if path.stat().st_size == 0:
            raise DataError(f"{path}: the file is empty")
        return read_dicom(path, settings) if is_dicom(path) else _read_picture(path)
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{path}: {_reason(error, path)}") from None


def _read_picture(path: Path) -> Opened:
    with path.open("rb") as file:
        picture = _announced(file)
        picture.load()
        return Opened(_pixels(ImageOps.exif_transpose(picture)), "pillow", "8 bits")


def _announced(file: BinaryIO) -> Image.Image:
    """Return the picture with only its header read; Pillow's warning of a bomb is an error."""
    with remarks("error", Image.DecompressionBombWarning):
        return Image.open(file, formats=FORMATS)


def _pixels(picture: Image.Image) -> np.ndarray:
    """Return the pixels of a picture of any mode as grey or RGB."""
    mode = picture.mode
    if mode.startswith("I;16"):
        return _scaled(np.asarray(picture), 0, _declared_maximum(picture))
    if mode == "I":
        return _integers(np.asarray(picture))
    if mode == "F":
        return _stretched(np.asarray(picture))
    if "transparency" in picture.info or mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        return _on_black(picture)
    if mode in ("1", "L"):
        return np.asarray(picture.convert("L"))
    if mode in ("P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV"):
        return np.asarray(picture.convert("RGB"))
    raise ValueError(f"pixels of the kind '{mode}' are not supported")


def _on_black(picture: Image.Image) -> np.ndarray:
    """Return the picture as it looks on a black ground."""
    grey = picture.mode in ("1", "L", "LA", "La")
    layers = np.asarray(picture.convert("LA" if grey else "RGBA")).astype(np.uint32)
    colours, alpha = layers[..., :-1], layers[..., -1:]
    shown = ((colours * alpha + 127) // 255).astype(np.uint8)
    return shown[..., 0] if grey else shown


def _declared_maximum(picture: Image.Image) -> int:
    """Return the largest value that a 16-bit picture declares (TIFF: BitsPerSample)."""
    declared = getattr(picture, "tag_v2", {}).get(258, 16)
    bits = declared[0] if isinstance(declared, tuple) else declared
    return int(2 ** min(max(int(bits), 1), 16) - 1)


def _integers(values: np.ndarray) -> np.ndarray:
    """Return 32-bit integers; those that keep to 16 bits are taken as such."""
    fits = values.min() >= 0 and values.max() <= 65535
    return _scaled(values, 0, 65535) if fits else _stretched(values)


def _stretched(values: np.ndarray) -> np.ndarray:
    """Return values without a declared range, from their least to their greatest."""
    known = values[np.isfinite(values)]
    if not known.size:
        raise ValueError("it holds no finite value")
    low, high = float(known.min()), float(known.max())
    return _scaled(np.nan_to_num(values, nan=low, posinf=high, neginf=low), low, high)


def _scaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return values from ``low`` to ``high`` as 0 to 255; worked in place, as images are large."""
    spread = np.subtract(values, low, dtype=np.float64)
    spread *= 255 / ((high - low) or 1.0)
    spread += 0.5
    return np.asarray(spread.clip(0, 255, out=spread), dtype=np.uint8)


def _reason(error: Exception, path: Path) -> str:
    """Return in one clause why an image can't be read."""
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return "it announces too many pixels to be opened safely"
    if isinstance(error, UnidentifiedImageError):
        return "it is text, not an image" if _is_text(path) else "it is not an image fastmed knows"
    if isinstance(error, MemoryError):
        return "it doesn't fit into memory"
    if "truncated" in str(error).lower():
        return "the file is truncated"
    if isinstance(error, OSError) and error.strerror:
        return f"it can't be read ({error.strerror.lower()})"
    cause = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return f"it can't be decoded ({cause})"


def _is_text(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(512)
    return all(byte >= 32 or byte in b"\t\r\n\f" for byte in start)

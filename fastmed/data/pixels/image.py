"""One door for every image: PNG, JPEG, TIFF, ..., DICOM and rows of NPZ arrays."""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from fastmed.data.pixels.dicom import DICOM_SUFFIXES, is_dicom, read_dicom
from fastmed.data.pixels.npz import read_images
from fastmed.data.pixels.opened import Opened
from fastmed.data.pixels.picture import read_picture
from fastmed.data.pixels.scaling import UnreadableError, cause_of, to_bytes
from fastmed.errors import DataError, FastmedError
from fastmed.settings.image import ImageSettings

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp")
IMAGE_SUFFIXES = (*PICTURE_SUFFIXES, *DICOM_SUFFIXES)
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
    values = np.array(rows[index])
    if values.dtype == np.uint8:
        return Opened(values, "numpy", "8 bits")
    try:
        pixels, scaling = to_bytes(values, settings)
    except UnreadableError as reason:
        raise DataError(f"{root / image}: in '{array}', {reason}") from None
    return Opened(pixels, "numpy", scaling)


def open_image(path: Path, settings: ImageSettings = AS_DECLARED) -> Opened:
    """Return an image file, upright and on a scale of 0 to 255.

    Args:
        path: of a PNG, JPEG, TIFF, BMP, GIF, WebP or DICOM file.
        settings: say how more than 8 bits, several frames and transparency are taken.

    Raises:
        DataError: the file is missing, empty, broken, too large or no image.
        MissingExtraError: it takes a package to be read that is not installed.
    """
    try:
        _check_file(path)
        return (read_dicom if is_dicom(path) else read_picture)(path, settings)
    except FastmedError:
        raise
    except Exception as error:
        raise DataError(f"{path}: {_reason(error, path)}") from None


def _check_file(path: Path) -> None:
    """Refuse what is no file with content; a pipe or a device might never end."""
    if path.is_dir():
        raise UnreadableError("it is a folder, not an image")
    if not path.exists():
        raise UnreadableError("there is no such file")
    if not path.is_file():
        raise UnreadableError("it is no regular file")
    if path.stat().st_size == 0:
        raise UnreadableError("the file is empty")


def _reason(error: Exception, path: Path) -> str:
    """Return in one clause why an image can't be read."""
    match error:
        case UnreadableError():
            return str(error)
        case Image.DecompressionBombError():
            return "it announces too many pixels to be opened safely"
        case UnidentifiedImageError():
            text = _is_text(path)
            return "it is text, not an image" if text else "it is not an image fastmed knows"
        case MemoryError():
            return "it doesn't fit into memory"
        case OSError() if error.strerror:
            return f"it can't be read ({error.strerror.lower()})"
    cause = cause_of(error)
    truncated = "truncated" in cause.lower()
    return "the file is truncated" if truncated else f"it can't be decoded ({cause})"


def _is_text(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(512)
    return all(byte >= 32 or byte in b"\t\r\n\f" for byte in start)

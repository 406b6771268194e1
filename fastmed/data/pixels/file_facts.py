"""What a file says of its image before any pixel is decoded: size, format, colours, bits."""

import os
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from fastmed import console
from fastmed.console import visible
from fastmed.data.pixels.bounded_file import BoundedFile
from fastmed.data.pixels.dicom import is_dicom
from fastmed.data.pixels.dicom.container import open_container
from fastmed.data.pixels.dicom.fields import Fields
from fastmed.data.pixels.dicom.limits import STANDARD
from fastmed.data.pixels.npz import read_images
from fastmed.data.pixels.picture import FORMATS
from fastmed.data.pixels.remarks import remarks

UNKNOWN = "not known"

# Pillow's mode -> what people call it, and the bits of a channel.
_MODES = {
    "1": ("black and white", 1),
    "L": ("grey", 8),
    "LA": ("grey with alpha", 8),
    "P": ("palette", 8),
    "PA": ("palette with alpha", 8),
    "RGB": ("RGB", 8),
    "RGBA": ("RGB with alpha", 8),
    "CMYK": ("CMYK", 8),
    "YCbCr": ("YCbCr", 8),
    "LAB": ("Lab", 8),
    "I": ("grey", 32),
    "F": ("grey, float", 32),
}
_DICOM = ("Rows", "Columns", "BitsStored", "PhotometricInterpretation")
_BITS_OF_PNG = 24  # the byte of the header that holds the bit depth (PNG, 11.2.1)
_BITS_OF_TIFF = 258  # BitsPerSample (TIFF 6.0, section 8)
_ORIENTATION = 0x0112  # of EXIF; from 5 on, width and height change places


class FileFacts(NamedTuple):
    """What a file says of its image; what is not known is NaN or "not known".

    Attributes:
        width, height: in pixels, upright.
        format: such as ``PNG``, ``JPEG``, ``DICOM, JPEG Baseline (Process 1)`` or ``NPZ``.
        colour: such as ``grey``, ``RGB with alpha`` or DICOM's ``MONOCHROME2``.
        bits: of a channel.
        suffix: of the file's name, in small letters; empty if it has none.
    """

    width: float = np.nan
    height: float = np.nan
    format: str = UNKNOWN
    colour: str = UNKNOWN
    bits: float = np.nan
    suffix: str = ""


def file_facts(items: pd.DataFrame, root: Path, tell: bool = True) -> pd.DataFrame:
    """Return what the files say of the images: the columns of `FileFacts`, a row an item.

    Only headers are read, each file's once. A file that can't be read leaves them unknown.

    Args:
        items: of the files.
        root: of their paths.
        tell: show how far it is; False if something else is shown already.
    """
    places = list(items[["image", "array"]].itertuples(index=False, name=None))
    distinct = list(dict.fromkeys(places))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda place: read_facts(root / place[0], place[1]), distinct)
        told = console.progress(found, "Reading headers", len(distinct)) if tell else found
        known: dict[Hashable, FileFacts] = dict(zip(distinct, told, strict=True))
    rows = [known[place] for place in places]
    return pd.DataFrame(rows, columns=FileFacts._fields, index=items.index)


def read_facts(path: Path, array: str = "") -> FileFacts:
    """Return what one file, or an array in it, says of its image."""
    suffix = path.suffix.lower()
    try:
        if array:
            return _array_facts(path, array)._replace(suffix=suffix)
        facts = _dicom_facts(path) if is_dicom(path) else _picture_facts(path)
    except Exception:
        facts = FileFacts()
    return facts._replace(suffix=suffix)


def _array_facts(path: Path, array: str) -> FileFacts:
    images = read_images(path, array)
    colour = "RGB" if images.ndim == 4 else "grey"
    height, width = images.shape[1:3]
    return FileFacts(width, height, "NPZ", colour, 8 * images.dtype.itemsize)


def _picture_facts(path: Path) -> FileFacts:
    with BoundedFile(path) as file, remarks("ignore", Warning):
        header = file.read(_BITS_OF_PNG + 1)
        file.seek(0)
        picture = Image.open(file, formats=FORMATS)
        width, height = picture.size
        if _lies(picture):
            width, height = height, width
        colour, bits = _MODES.get(picture.mode.split(";")[0], (picture.mode, 8))
        if ";16" in picture.mode:
            bits = 16
        if picture.format == "PNG":
            bits = header[_BITS_OF_PNG]
        elif isinstance(picture, TiffImageFile):
            bits = picture.tag_v2.get(_BITS_OF_TIFF, (bits,))[0]
        return FileFacts(width, height, str(picture.format), colour, bits)


def _lies(picture: Image.Image) -> bool:
    """True if EXIF says that the picture lies on its side; a PNG is not decoded to find out."""
    if picture.format == "PNG" and "exif" not in picture.info:
        return False
    return int(picture.getexif().get(_ORIENTATION, 1)) >= 5


def _dicom_facts(path: Path) -> FileFacts:
    with open_container(path, STANDARD) as container:
        fields = Fields(container.dataset(_DICOM))
        width, height, bits = map(fields.number, ("Columns", "Rows", "BitsStored"))
        return FileFacts(
            np.nan if width is None else width,
            np.nan if height is None else height,
            f"DICOM, {container.syntax.name}",
            visible(fields.text("PhotometricInterpretation")) or UNKNOWN,
            np.nan if bits is None else bits,
        )

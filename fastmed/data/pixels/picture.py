"""Pictures: PNG, JPEG, TIFF, BMP, GIF and WebP, upright and on a scale of 0 to 255.

Pillow reads what has 8 bits a channel, and grey of 16. Of deeper colours it would drop the lower
bits, and of some TIFF values mistake the sign or the inversion; OpenCV reads those.
"""

from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from fastmed.data.pixels.bounded_file import BoundedFile
from fastmed.data.pixels.deep_values import STRAIGHT, layered, read_values
from fastmed.data.pixels.limits import MOST_BYTES, MOST_FRAMES, MOST_PIXELS
from fastmed.data.pixels.opened import Opened
from fastmed.data.pixels.png import GREY, GREY_WITH_ALPHA, check_chunks, deep_colour_type
from fastmed.data.pixels.remarks import remarks
from fastmed.data.pixels.scaling import UnreadableError, to_bytes
from fastmed.data.pixels.tiff import STARTS, Page, page_places, read_page
from fastmed.settings.image import ImageSettings

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")

_OF_SEVERAL = "of several pages or frames only the first is read (image.frame)"
_UNDER_GLASS = "transparent pixels are shown on {} (image.transparency)"
_NO_WINDOW = "a window is of DICOM values and does nothing to other files (image.window)"
_INKS = "CMYK is turned into RGB without a colour profile"


def read_picture(path: Path, settings: ImageSettings) -> Opened:
    """Return a picture as it is meant to be seen.

    Raises:
        UnreadableError: says what is wrong with the file, or what setting it needs.
        Exception: of Pillow, for a broken file.
    """
    with BoundedFile(path) as file, remarks("ignore", Warning):
        read = _read_tiff if file.read(4) in STARTS else _read_other
        opened = read(file, path, settings)
    return opened if settings.window is None else _with_remark(opened, _NO_WINDOW)


def frame_number(frame: str | int, count: int) -> int:
    """Return the number of the frame, from 0, that the task takes of several.

    Raises:
        UnreadableError: there is no such frame.
    """
    named = {"first": 0, "middle": count // 2, "last": count - 1}
    number = frame if isinstance(frame, int) else named[frame]
    if number >= count:
        raise UnreadableError(f"image.frame = {number}, but it has {count} frames, counted from 0")
    return number


def _read_tiff(file: BinaryIO, path: Path, settings: ImageSettings) -> Opened:
    places = page_places(file)
    page = read_page(file, frame_number(settings.frame, len(places)), places)
    _check_size(page.width, page.height)
    if page.bytes > MOST_BYTES:
        raise UnreadableError(f"it announces {page.bytes / 2**30:.1f} GB of pixels; refused")
    opened = _deep_page(path, page, settings) if page.deep else _plain_page(file, page, settings)
    return _first_of(len(places), opened, settings)


def _read_other(file: BinaryIO, path: Path, settings: ImageSettings) -> Opened:
    file.seek(0)
    picture = Image.open(file, formats=FORMATS)
    _check_size(*picture.size)
    count = getattr(picture, "n_frames", 1)
    if count > MOST_FRAMES:
        raise UnreadableError(f"it has {count:,} frames, more than {MOST_FRAMES:,}")
    picture.seek(frame_number(settings.frame, count))
    picture.load()
    colour_type = deep_colour_type(file) if picture.format == "PNG" else GREY
    if colour_type == GREY:
        opened = _upright(picture, settings)
    else:
        check_chunks(file)
        opened = _deep_colours(path, picture, colour_type, settings)
    return _first_of(count, opened, settings)


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise UnreadableError(
            f"it announces {width} x {height} pixels, more than the {MOST_PIXELS // 10**6} "
            "million that are opened"
        )


def _first_of(count: int, opened: Opened, settings: ImageSettings) -> Opened:
    """Remark on what is left out, unless the task says which frame it wants."""
    if count == 1 or settings.frame != "first":
        return opened
    return _with_remark(opened, _OF_SEVERAL)


def _with_remark(opened: Opened, remark: str) -> Opened:
    return opened._replace(remark="; ".join(filter(None, (opened.remark, remark))))


def _plain_page(file: BinaryIO, page: Page, settings: ImageSettings) -> Opened:
    file.seek(0)
    picture = Image.open(file, formats=("TIFF",))
    picture.seek(page.number)
    picture.load()
    return _upright(picture, settings, page.bits)


def _deep_page(path: Path, page: Page, settings: ImageSettings) -> Opened:
    """Return a TIFF page of deep values; OpenCV has set it upright."""
    if page.samples not in (1, 3, 4) or page.bits not in (8, 16, 32, 64):
        raise UnreadableError(
            f"a TIFF of {page.samples} channels of {page.bits} bits is not supported; "
            "expected 1, 3 or 4 channels of 8, 16, 32 or 64 bits"
        )
    if page.planar and page.samples > 1:
        raise UnreadableError(
            f"a TIFF of {page.bits} bits with one channel after the other is not supported; "
            "save it with PlanarConfiguration = 1"
        )
    values = read_values(path, page.number)
    declared = (0, 65535) if values.dtype == np.uint16 else None
    pixels, scaling = to_bytes(values[..., :3] if values.ndim == 3 else values, settings, declared)
    if page.white_is_zero and values.dtype.itemsize > 1:
        pixels = 255 - pixels
    shown = _upright(layered(pixels, values, page.alpha), settings)
    return shown._replace(decoder="opencv", scaling=scaling)


def _deep_colours(
    path: Path, picture: Image.Image, colour_type: int, settings: ImageSettings
) -> Opened:
    """Return a PNG of 16 bits a channel; Pillow has read its header and found it whole."""
    values = read_values(path)
    colours = values[..., 0] if colour_type == GREY_WITH_ALPHA else values[..., :3]
    pixels, scaling = to_bytes(colours, settings, (0, 65535))
    made = layered(pixels, values, STRAIGHT)
    made.info["exif"] = picture.info.get("exif", b"")
    return _upright(made, settings)._replace(decoder="opencv", scaling=scaling)


def _upright(picture: Image.Image, settings: ImageSettings, bits: int = 16) -> Opened:
    """Return a decoded picture of any mode as grey or RGB; bits are those of a deep grey one."""
    picture = ImageOps.exif_transpose(picture)
    mode = picture.mode
    if mode.startswith("I;16"):
        return _deep_grey(picture, settings, bits)
    if "transparency" in picture.info or mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        return _on_ground(picture, settings)
    if mode in ("1", "L"):
        return Opened(np.asarray(picture.convert("L")), "pillow", "8 bits")
    if mode in ("P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV"):
        remark = _INKS if mode == "CMYK" else ""
        return Opened(np.asarray(picture.convert("RGB")), "pillow", "8 bits", remark)
    raise UnreadableError(f"pixels of the kind '{mode}' are not supported; save it as grey or RGB")


def _deep_grey(picture: Image.Image, settings: ImageSettings, bits: int) -> Opened:
    """Return a grey picture of up to 16 bits; one of its values may stand for transparent."""
    values = np.asarray(picture).astype(np.uint16, copy=False)
    pixels, scaling = to_bytes(values, settings, (0, 2**bits - 1))
    hidden = picture.info.get("transparency")
    if hidden is None:
        return Opened(pixels, "pillow", scaling)
    cover = np.where(values == hidden, 0, 255).astype(np.uint8)
    shown = _on_ground(Image.fromarray(np.dstack([pixels, cover]), "LA"), settings)
    return shown._replace(scaling=scaling)


def _on_ground(picture: Image.Image, settings: ImageSettings) -> Opened:
    """Return a picture as it looks on the ground that the task wants.

    Raises:
        UnreadableError: the task refuses transparent pictures, and this one is.
    """
    grey = picture.mode in ("1", "L", "LA", "La")
    whole = picture.convert("LA" if grey else "RGBA")
    cover = whole.getchannel("A")
    colours = whole.convert("L" if grey else "RGB")
    if cover.getextrema()[0] == 255:
        return Opened(np.asarray(colours), "pillow", "8 bits")
    if settings.transparency == "refuse":
        raise UnreadableError(
            "it has transparent pixels; set image.transparency to the ground they shall stand "
            "on, 'black' or 'white'"
        )
    ground = Image.new(colours.mode, colours.size, settings.transparency)
    ground.paste(colours, mask=cover)
    remark = _UNDER_GLASS.format(settings.transparency)
    return Opened(np.asarray(ground), "pillow", "8 bits", remark)

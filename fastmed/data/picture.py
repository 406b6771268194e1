"""Pictures: PNG, JPEG, TIFF, BMP, GIF and WebP, upright and on a scale of 0 to 255.

Pillow reads what has 8 bits a channel, and grey of 16. Of deeper colours it would drop the lower
bits, and of some TIFF values mistake the sign or the inversion; OpenCV reads those.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, ImageOps

from fastmed.data.limits import MOST_BYTES, MOST_FRAMES, MOST_PIXELS
from fastmed.data.opened import Opened
from fastmed.data.remarks import remarks
from fastmed.data.scaling import UnreadableError, to_bytes
from fastmed.data.tiff import STARTS, Page, page_places, read_page
from fastmed.image_settings import ImageSettings

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")

_DEPTH_OF_PNG = 24  # the byte of a PNG that holds its bits a sample; the colour type follows
_GREY_WITH_ALPHA = 4  # colour type of PNG
_PREMULTIPLIED, _STRAIGHT = 1, 2  # alpha, as TIFF's ExtraSamples has it
_OF_SEVERAL = "of several pages or frames only the first is read (image.frame)"
_UNDER_GLASS = "transparent pixels are shown on {} (image.transparency)"
_INKS = "CMYK is turned into RGB without a colour profile"


def read_picture(path: Path, settings: ImageSettings) -> Opened:
    """Return a picture as it is meant to be seen.

    Raises:
        UnreadableError: says what is wrong with the file, or what setting it needs.
        Exception: of Pillow, for a broken file.
    """
    with path.open("rb") as file, remarks("ignore", Warning):
        page = _chosen_page(file, settings) if file.read(4) in STARTS else None
        if page and page.deep:
            opened = _deep_page(path, page, settings)
        else:
            opened = _by_pillow(file, path, page.number if page else None, settings)
    several = page is not None and page.of > 1 and settings.frame == "first"
    return _remarked(opened, _OF_SEVERAL) if several else opened


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


def _chosen_page(file: BinaryIO, settings: ImageSettings) -> Page:
    places = page_places(file)
    page = read_page(file, frame_number(settings.frame, len(places)), places)
    _check_size(page.width, page.height)
    if page.bytes > MOST_BYTES:
        raise UnreadableError(f"it announces {page.bytes / 2**30:.1f} GB of pixels; refused")
    return page


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise UnreadableError(
            f"it announces {width} x {height} pixels, more than the {MOST_PIXELS // 10**6} "
            "million that are opened"
        )


def _remarked(opened: Opened, remark: str) -> Opened:
    return opened._replace(remark="; ".join(part for part in (opened.remark, remark) if part))


def _by_pillow(file: BinaryIO, path: Path, page: int | None, settings: ImageSettings) -> Opened:
    file.seek(0)
    picture = Image.open(file, formats=FORMATS)
    _check_size(*picture.size)
    several = _turn_to(picture, page, settings)
    picture.load()
    colour_type = _deep_colour_type(file) if picture.format == "PNG" else None
    if colour_type:
        opened = _deep_colours(path, picture, colour_type, settings)
    else:
        opened = _upright(picture, settings, "pillow")
    return _remarked(opened, _OF_SEVERAL) if several else opened


def _turn_to(picture: Image.Image, page: int | None, settings: ImageSettings) -> bool:
    """Turn to the frame that the task takes; true if it is the first of several by default."""
    count = 1 if page is not None else getattr(picture, "n_frames", 1)
    if count > MOST_FRAMES:
        raise UnreadableError(
            f"it has {count:,} frames, more than the {MOST_FRAMES:,} that are opened"
        )
    number = frame_number(settings.frame, count) if page is None else page
    if number:
        picture.seek(number)
        _check_size(*picture.size)
    return count > 1 and settings.frame == "first"


def _deep_colour_type(file: BinaryIO) -> int | None:
    """Return the colour type of a PNG of 16 bits in each of several channels (PNG, 11.2.1)."""
    file.seek(_DEPTH_OF_PNG)
    depth, colour_type = file.read(2)
    return int(colour_type) if depth == 16 and colour_type != 0 else None


def _deep_colours(
    path: Path, picture: Image.Image, colour_type: int, settings: ImageSettings
) -> Opened:
    """Return a PNG of 16 bits a channel; Pillow has read its header and found it whole."""
    values = _by_opencv(path, 0)
    colours = values[..., 0] if colour_type == _GREY_WITH_ALPHA else values[..., :3]
    pixels, scaling = to_bytes(colours, settings, (0, 65535))
    made = _with_alpha(pixels, values, _STRAIGHT)
    made.info["exif"] = picture.info.get("exif", b"")
    return _upright(made, settings, "opencv")._replace(scaling=scaling)


def _deep_page(path: Path, page: Page, settings: ImageSettings) -> Opened:
    """Return a TIFF page of deep values; OpenCV has set it upright."""
    if page.samples not in (1, 3, 4) or page.bits not in (8, 16, 32, 64):
        raise UnreadableError(
            f"a TIFF of {page.samples} channels of {page.bits} bits is not supported; "
            "expected 1, 3 or 4 channels of 8, 16, 32 or 64 bits"
        )
    values = _by_opencv(path, page.number)
    declared = (0, 65535) if values.dtype == np.uint16 else None
    pixels, scaling = to_bytes(values[..., :3] if values.ndim == 3 else values, settings, declared)
    inverted_already = values.dtype.itemsize == 1
    if page.white_is_zero and not inverted_already:
        pixels = 255 - pixels
    made = _with_alpha(pixels, values, page.alpha)
    return _upright(made, settings, "opencv")._replace(scaling=scaling)


def _by_opencv(path: Path, page: int) -> np.ndarray:
    """Return the values of a file as they are stored, channels in the order RGB(A)."""
    content = np.memmap(path, np.uint8, "r")
    with _silent():
        try:
            _, pages = cv2.imdecodemulti(content, cv2.IMREAD_UNCHANGED, range=(page, page + 1))
        except cv2.error as error:
            if error.code == cv2.Error.StsNoMem:
                raise MemoryError from None
            pages = ()
    if not pages:
        raise UnreadableError("it is truncated or broken")
    values = np.asarray(pages[0])
    if values.ndim == 2:
        return values
    return values[..., [2, 1, 0, 3][: values.shape[2]]]


@contextmanager
def _silent() -> Iterator[None]:
    """Keep OpenCV from writing on the terminal; version 5 has moved its levels."""
    levels = getattr(cv2.utils, "logging", cv2)
    before = levels.getLogLevel()
    levels.setLogLevel(0)
    try:
        yield
    finally:
        levels.setLogLevel(before)


def _with_alpha(pixels: np.ndarray, values: np.ndarray, kind: int) -> Image.Image:
    """Return pixels with the transparency of the values they come from, if those have any."""
    picture = Image.fromarray(pixels)
    if values.ndim == 2 or values.shape[2] < 4 or kind not in (_PREMULTIPLIED, _STRAIGHT):
        return picture
    greatest = 1.0 if values.dtype.kind == "f" else float(np.iinfo(values.dtype).max)
    alpha, _ = to_bytes(values[..., 3], ImageSettings(value_range=(0, greatest)))
    if kind == _PREMULTIPLIED:
        return Image.merge("RGBa", [*picture.split(), Image.fromarray(alpha)])
    picture.putalpha(Image.fromarray(alpha))
    return picture


def _upright(picture: Image.Image, settings: ImageSettings, decoder: str) -> Opened:
    """Return a decoded picture of any mode as grey or RGB."""
    picture = ImageOps.exif_transpose(picture)
    mode = picture.mode
    if mode.startswith("I;16"):
        return _deep_grey(picture, settings)
    if "transparency" in picture.info or mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        return _on_ground(picture, settings, decoder)
    if mode in ("1", "L"):
        return Opened(np.asarray(picture.convert("L")), decoder, "8 bits")
    if mode in ("P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV"):
        remark = _INKS if mode == "CMYK" else ""
        return Opened(np.asarray(picture.convert("RGB")), decoder, "8 bits", remark)
    raise UnreadableError(f"pixels of the kind '{mode}' are not supported; save it as grey or RGB")


def _deep_grey(picture: Image.Image, settings: ImageSettings) -> Opened:
    """Return a grey picture of up to 16 bits, scaled by what it declares (TIFF: BitsPerSample)."""
    bits = getattr(picture, "tag_v2", {}).get(258, (16,))
    greatest = 2 ** int(bits[0] if isinstance(bits, tuple) else bits) - 1
    values = np.asarray(picture).astype(np.uint16, copy=False)
    pixels, scaling = to_bytes(values, settings, (0, greatest))
    hidden = picture.info.get("transparency")
    if hidden is None:
        return Opened(pixels, "pillow", scaling)
    layers = np.stack([pixels, np.where(values == hidden, 0, 255).astype(np.uint8)], axis=2)
    shown = _on_ground(Image.fromarray(layers, "LA"), settings, "pillow")
    return shown._replace(scaling=scaling)


def _on_ground(picture: Image.Image, settings: ImageSettings, decoder: str) -> Opened:
    """Return a picture as it looks on the ground that the task wants.

    Raises:
        UnreadableError: the task refuses transparent pictures, and this one is.
    """
    grey = picture.mode in ("1", "L", "LA", "La")
    layered = picture.convert("LA" if grey else "RGBA")
    alpha = layered.getchannel("A")
    colours = layered.convert("L" if grey else "RGB")
    if alpha.getextrema()[0] == 255:
        return Opened(np.asarray(colours), decoder, "8 bits")
    if settings.transparency == "refuse":
        raise UnreadableError(
            "it has transparent pixels; set image.transparency to the ground they shall stand on, "
            "'black' or 'white'"
        )
    ground = Image.new(colours.mode, colours.size, settings.transparency)
    ground.paste(colours, mask=alpha)
    remark = _UNDER_GLASS.format(settings.transparency)
    return Opened(np.asarray(ground), decoder, "8 bits", remark)

"""Values that Pillow would cut off or take amiss: read by OpenCV as they are stored."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from fastmed.data.operations.opencv import one_thread, silence
from fastmed.data.pixels.scaling import UnreadableError, to_bytes
from fastmed.settings.image import ImageSettings

PREMULTIPLIED, STRAIGHT = 1, 2  # alpha, as TIFF's ExtraSamples has it


def read_values(path: Path, page: int | None = None) -> np.ndarray:
    """Return the values of a PNG or TIFF, (H, W) or (H, W, channels), channels in order RGB(A).

    A TIFF page is set upright on the way; its 8-bit values are inverted where white is zero.

    Args:
        path: of the file.
        page: of a TIFF; None for a PNG.

    Raises:
        UnreadableError: the file is truncated or broken.
    """
    content = np.memmap(path, np.uint8, "r")
    with silence(), one_thread():
        try:
            found = _decoded(content, page)
        except cv2.error as error:
            if error.code == cv2.Error.StsNoMem:
                raise MemoryError from None
            found = None
    if found is None:
        raise UnreadableError("it is truncated or broken")
    values = np.asarray(found)
    return values if values.ndim == 2 else values[..., [2, 1, 0, 3][: values.shape[2]]]


def _decoded(content: np.ndarray, page: int | None) -> np.ndarray | None:
    if page is None:
        return cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    _, pages = cv2.imdecodemulti(content, cv2.IMREAD_UNCHANGED, range=(page, page + 1))
    return pages[0] if pages else None


def layered(pixels: np.ndarray, values: np.ndarray, alpha: int) -> Image.Image:
    """Return pixels with the transparency of the values that they come from.

    Args:
        pixels: uint8 (H, W) or (H, W, 3).
        values: as `read_values` returns them; without a fourth channel nothing is transparent.
        alpha: how the fourth channel is meant; other than the two known ones it is left out.
    """
    picture = Image.fromarray(pixels)
    if values.ndim == 2 or values.shape[2] < 4 or alpha not in (PREMULTIPLIED, STRAIGHT):
        return picture
    greatest = 1.0 if values.dtype.kind == "f" else float(np.iinfo(values.dtype).max)
    cover, _ = to_bytes(values[..., 3], ImageSettings(value_range=(0, greatest)))
    if alpha == PREMULTIPLIED:
        return Image.merge("RGBa", [*picture.split(), Image.fromarray(cover)])
    picture.putalpha(Image.fromarray(cover))
    return picture

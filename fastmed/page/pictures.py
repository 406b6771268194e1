"""Pictures within a page, as data URIs."""

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fastmed.page.document import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

THUMBNAIL = 224  # pixels
_CSS_PIXELS = 96  # in an inch


def png_of(figure: "Figure", dpi: int) -> bytes:
    """Return a figure as a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    return file.getvalue()


def chart(figure: "Figure", png: bytes, alt: str) -> Picture:
    """Return a figure, of which the PNG file is there, in its own size."""
    width, height = (round(float(side) * _CSS_PIXELS) for side in figure.get_size_inches())
    return Picture(data_uri("png", png), alt, width, height)


def thumbnail(
    pixels: NDArray[np.uint8], alt: str, caption: str = "", side: int = THUMBNAIL
) -> Picture:
    """Return an image, uint8 (H, W) or (H, W, 3), as a JPEG of no more than ``side``."""
    picture, file = Image.fromarray(pixels), io.BytesIO()
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    picture.save(file, "JPEG", quality=88)
    return Picture(data_uri("jpeg", file.getvalue()), alt, caption=caption)


def data_uri(kind: str, content: bytes) -> str:
    """Return the content of an image file of a kind as a URI."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"

"""Figures and images as a report holds them: small, described, and with their numbers."""

import io
from collections.abc import Sequence

from matplotlib.figure import Figure
from PIL import Image

from fastmed.page.document import Chart, Picture, Sheet
from fastmed.page.pictures import chart, data_uri, png_of

DPI = 120
_COLOURS = 64  # of a figure; more are not needed by greys and one accent


def chart_of(figure: Figure, alt: str, *, text: str = "", sheet: Sheet | None = None) -> Chart:
    """Return a figure as a picture of pixels, however many marks it has.

    Args:
        figure: to draw.
        alt: what it shows, for those who don't see it.
        text: stands above it.
        sheet: its numbers.
    """
    return Chart(picture_of(figure, alt), text, sheet)


def picture_of(figure: Figure, alt: str) -> Picture:
    """Return a figure as a PNG picture with few colours."""
    with Image.open(io.BytesIO(png_of(figure, DPI))) as drawn:
        few = drawn.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True)
    return chart(figure, file.getvalue(), alt)


def jpeg_of(picture: Image.Image, side: int, quality: int = 80) -> str:
    """Return an image, at most ``side`` pixels wide and high, as a JPEG data URI."""
    small, file = picture.convert("RGB"), io.BytesIO()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    small.save(file, "JPEG", quality=quality, optimize=True)
    return data_uri("jpeg", file.getvalue())


def folded(
    name: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    summary: str = "Numbers",
) -> Sheet:
    """Return a table that is shown when it is asked for; all columns but the first are numbers."""
    return sheet(name, columns, rows)._replace(folded=True, summary=summary)


def sheet(
    name: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    caption: str = "",
    words: Sequence[int] = (),
) -> Sheet:
    """Return a table; all columns but the first, and those of ``words``, stand right."""
    numeric = [place for place in range(1, len(columns)) if place not in words]
    shown = [["-" if cell is None else str(cell) for cell in row] for row in rows]
    return Sheet(name, list(columns), shown, numeric, caption=caption)

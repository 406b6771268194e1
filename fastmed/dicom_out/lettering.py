"""A heat map with words burned into it, so that no viewer can part them."""

from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fastmed.console import visible
from fastmed.results.maps.picture import heat_picture

MARK = "NOT FOR DIAGNOSIS"
SMALLEST, LARGEST = 512, 1024  # pixels of the longer side
_MARK_SHARE, _TEXT_SHARE = 0.045, 0.026  # height of letters, of the width
_LEAST_WIDTH = 448  # of the picture, so that the words are legible
_AMBER, _WHITE = (255, 190, 60), (235, 235, 235)
_UNSEEN = 0.4  # brightness of what the network has not seen


def lettered(pixels: np.ndarray, heat: np.ndarray, lines: list[str]) -> np.ndarray:
    """Return an image under its heat, between words, uint8 (H, W, 3).

    Above stands that it is not for diagnosis and what it is, below what was predicted, and the
    mark again. What the network has not seen is darkened.

    Args:
        pixels: of the image, uint8 (h, w) or (h, w, 3).
        heat: on it, (h, w) from 0 to 1; not a number where it was not seen.
        lines: that stand below.
    """
    seen = np.isfinite(heat)
    shown = heat_picture(pixels, np.nan_to_num(heat))
    shown[~seen] = (shown[~seen] * _UNSEEN).astype(np.uint8)
    picture = _sized(shown)
    width = max(picture.width, _LEAST_WIDTH)
    above = _words(
        [(MARK, True), ("Heat map: what a network used, not where disease is.", False)], width
    )
    below = _words([*((line, False) for line in lines), (MARK, True)], width)
    canvas = Image.new("RGB", (width, above.height + picture.height + below.height))
    canvas.paste(above, (0, 0))
    canvas.paste(picture, ((width - picture.width) // 2, above.height))
    canvas.paste(below, (0, above.height + picture.height))
    return np.asarray(canvas)


def _sized(shown: np.ndarray) -> Image.Image:
    picture, side = Image.fromarray(shown), max(shown.shape[:2])
    wanted = min(max(side, SMALLEST), LARGEST)
    if wanted == side:
        return picture
    size = [max(1, round(length * wanted / side)) for length in picture.size]
    return picture.resize((size[0], size[1]), Image.Resampling.LANCZOS)


def _words(lines: list[tuple[str, bool]], width: int) -> Image.Image:
    """Return lines of text on black; those that are marks are large and bold."""
    pad = round(width * 0.015)
    drawn = [
        (row, mark, _font(width, mark))
        for line, mark in lines
        for row in _rows(visible(line), _font(width, mark), width - 2 * pad)
    ]
    heights = [round(font.size * 1.35) for *_, font in drawn]
    band = Image.new("RGB", (width, sum(heights) + 2 * pad))
    pen, top = ImageDraw.Draw(band), pad
    for (row, mark, font), height in zip(drawn, heights, strict=True):
        pen.text((pad, top), row, font=font, fill=_AMBER if mark else _WHITE)
        top += height
    return band


def _rows(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Return a text in rows that fit into a width; a word that is too long is broken."""
    rows, row = [], ""
    for word in text.split(" "):
        longer = f"{row} {word}".strip()
        if font.getlength(longer) <= width:
            row = longer
            continue
        rows += [row] if row else []
        while font.getlength(word) > width:
            fits = next(n for n in range(len(word), 0, -1) if font.getlength(word[:n]) <= width)
            rows, word = [*rows, word[:fits]], word[fits:]  # noqa: PLW2901
        row = word
    return [*rows, row]


def _font(width: int, mark: bool) -> ImageFont.FreeTypeFont:
    """Return the letters of the figures, which have most scripts of Europe."""
    name = "DejaVuSans-Bold.ttf" if mark else "DejaVuSans.ttf"
    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    share = _MARK_SHARE if mark else _TEXT_SHARE
    return ImageFont.truetype(str(file), max(12, round(width * share)))

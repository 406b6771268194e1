"""How well `crop_background` finds the image, on a folder of photographs or radiographs.

    python benchmarks/cropping.py DIR [--sheet FILE]

Each image is cropped, without a margin, and the box compared with that of a rule of its own, which
knows nothing of noise, marks and shades: rows and columns of which one pixel in twenty is brighter
than 20. Where both differ by more than 2% of a side, one of them is wrong; ``--sheet`` draws those
images with both boxes (green: fastmed), to be judged by eye.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from fastmed.data.operations.background import find_foreground
from fastmed.data.pixels.image import is_image, open_image

Box = tuple[int, int, int, int]  # top, bottom, left, right
BRIGHT, SHARE = 20, 95
TOLERANCE = 0.02
CELL, COLUMNS, MOST = 200, 8, 48


def box_of(pixels: np.ndarray) -> Box:
    """Return fastmed's box; that of the whole image if nothing is cropped."""
    found = find_foreground(pixels)
    height, width = pixels.shape[:2]
    return (found.top, found.bottom, found.left, found.right) if found else (0, height, 0, width)


def plain_box(pixels: np.ndarray) -> Box:
    """Return the box of rows and columns of which one pixel in twenty is bright."""
    brightest = pixels if pixels.ndim == 2 else pixels.max(axis=2)
    ends: list[int] = []
    for axis, length in ((1, pixels.shape[0]), (0, pixels.shape[1])):
        lines = np.flatnonzero(np.percentile(brightest, SHARE, axis=axis) > BRIGHT)
        ends += [int(lines[0]), int(lines[-1]) + 1] if lines.size else [0, length]
    return ends[0], ends[1], ends[2], ends[3]


def compared(folder: Path) -> Iterator[tuple[np.ndarray, Box, Box, float]]:
    """Yield each image, both boxes, and the seconds that fastmed's took."""
    for path in sorted(path for path in folder.rglob("*") if is_image(path)):
        pixels = open_image(path).pixels
        start = time.perf_counter()
        box = box_of(pixels)
        yield pixels, box, plain_box(pixels), time.perf_counter() - start


def drawn(pixels: np.ndarray, box: Box, plain: Box) -> Image.Image:
    """Return the image with both boxes, small."""
    picture = Image.fromarray(pixels).convert("RGB")
    pen, width = ImageDraw.Draw(picture), max(1, max(picture.size) // 150)
    for (top, bottom, left, right), colour in ((plain, (255, 0, 0)), (box, (0, 255, 0))):
        pen.rectangle((left, top, right - 1, bottom - 1), outline=colour, width=width)
    picture.thumbnail((CELL, CELL))
    return picture


def write_sheet(pictures: list[Image.Image], file: Path) -> None:
    """Write pictures side by side."""
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * CELL, max(1, rows) * CELL), (60, 0, 90))
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (number % COLUMNS * CELL, number // COLUMNS * CELL))
    sheet.save(file)


def main() -> None:
    """Compare all images of a folder and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sheet", type=Path)
    given = parser.parse_args()
    kept, apart, seconds, differing = [], [], [], []
    for pixels, box, plain, taken in compared(given.folder):
        height, width = pixels.shape[:2]
        sides = np.array([height, height, width, width])
        kept.append((box[1] - box[0]) * (box[3] - box[2]) / (height * width))
        apart.append(float(np.abs(np.subtract(box, plain) / sides).max()))
        seconds.append(taken)
        if apart[-1] > TOLERANCE:
            differing.append((apart[-1], drawn(pixels, box, plain)))
    if not kept:
        raise SystemExit(f"no images below {given.folder}")
    report(np.array(kept), np.array(apart), np.array(seconds))
    if given.sheet:
        worst = sorted(differing, key=lambda pair: -pair[0])[:MOST]
        write_sheet([picture for _, picture in worst], given.sheet)


def report(kept: np.ndarray, apart: np.ndarray, seconds: np.ndarray) -> None:
    """Print how many were cropped, how much was kept, and where the rules differ."""
    print(f"images                       {len(kept)}")
    print(f"cropped by 2% or more        {(kept < 0.98).sum()} ({(kept < 0.98).mean():.0%})")
    shares = ", ".join(f"{share:.2f}" for share in np.percentile(kept, [0, 5, 25, 50, 75, 100]))
    print(f"share of the area kept       {shares} (least, 5%, 25%, half, 75%, most)")
    sides = ", ".join(f"{share:.3f}" for share in np.percentile(apart, [50, 90, 99, 100]))
    print(f"sides apart from plain rule  {sides} (half, 90%, 99%, most)")
    print(f"more than {TOLERANCE:.0%} of a side apart {(apart > TOLERANCE).sum()}")
    print(f"milliseconds an image        {1000 * np.median(seconds):.1f} (half)")


if __name__ == "__main__":
    main()

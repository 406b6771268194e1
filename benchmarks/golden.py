"""Does fastmed show the DICOM files of pydicom's test set as an independent reading shows them?

    python benchmarks/golden.py --data DIR [--all]

DIR holds the folder ``dicom`` with ``golden.csv`` and ``files``. A row of the table names a file
and what its first frame should be after modality transformation, first window or table, and
inversion, on a scale of 0 to 1: shape, mean and standard deviation; or that it should be refused.
Files of origin ``pydicom`` come with the pydicom package.

The pixels that are stored are compared, before oblong ones are made square, as the table has them.
"""

import argparse
import csv
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pydicom
from pydicom.uid import UID

from fastmed.data.pixels.dicom.read import clear_reason, read_dicom, see_frame
from fastmed.errors import DataError
from fastmed.settings.image import ImageSettings

SETTINGS = ImageSettings(scale="declared")
CLOSE = 2e-3  # of mean and standard deviation
BUNDLED = Path(pydicom.__file__).parent / "data" / "test_files"
# How a file is shown, if it says itself how: by a window, as colours, by a palette or a table.
SAYS_HOW = ("LINEAR", "rgb", "palette", "lut")
# Rows that are known to differ, and why.
KNOWN = {
    "OBXXXX1A_expb.dcm": "`OBXXXX1A.dcm` in the other byte order, so it must look the same; the "
    "table has its palette read in the wrong order, 256 times too dark",
    "JPGExtended.dcm": "the only decoder is under the GPL; the file has no window",
}


class Row(NamedTuple):
    """What was expected of a file, and what fastmed made of it.

    Attributes:
        file: its name.
        coding: of its pixels.
        kind: ``image``, ``image without a window`` or ``no image``.
        expected, found: shape, mean and deviation; or the reason why there is none.
        agrees: whether found is as expected.
        note: decoder and scaling, the shape with square pixels where that is another one, and why
            the row differs.
    """

    file: str
    coding: str
    kind: str
    expected: str
    found: str
    agrees: bool
    note: str


def main() -> None:
    """Compare and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--all", action="store_true", help="every row, not only what differs")
    arguments = parser.parse_args()
    table = arguments.data / "dicom" / "golden.csv"
    if not table.is_file():
        print(f"There is no {table}: nothing is compared.")
        return
    with table.open(encoding="utf-8", newline="") as file:
        rows = [_row(given, table.parent / "files") for given in csv.DictReader(file)]
    _print_counts(rows)
    _print_rows([row for row in rows if not row.agrees], "Rows that differ")
    _print_rows(
        [row for row in rows if row.agrees and row.kind == "no image"], "Files that are refused"
    )
    if arguments.all:
        _print_rows(
            [row for row in rows if row.agrees and row.kind != "no image"], "Rows that agree"
        )
    if any(not row.agrees and row.file not in KNOWN for row in rows):
        sys.exit(1)


def _row(given: dict[str, str], folder: Path) -> Row:
    """Return what is expected of a file beside what fastmed makes of it."""
    path = (BUNDLED if given["origin"] == "pydicom" else folder) / given["file"]
    kind = "image" if given["how"] in SAYS_HOW else "image without a window"
    expected = f"{given['shape']} {given['mean']} {given['std']}"
    if given["expect"] != "image":
        kind, expected = "no image", given["why"] or given["expect"]
    coding = UID(given["transfer_syntax"]).name.split(",")[0].removesuffix(" Image Compression")
    try:
        with clear_reason(path):
            seen = see_frame(path, SETTINGS)
    except DataError as error:
        reason = str(error).removeprefix(f"{path}: ")
        note = KNOWN.get(given["file"], "")
        return Row(given["file"], coding, kind, expected, reason, kind == "no image", note)
    pixels = seen.pixels / 255
    shape = "x".join(map(str, pixels.shape))
    found = f"{shape} {pixels.mean():.6f} {pixels.std():.6f}"
    agrees = kind != "no image" and shape == given["shape"] and all(
        abs(value - float(given[name])) < CLOSE
        for name, value in (("mean", pixels.mean()), ("std", pixels.std()))
    )  # fmt: skip
    return Row(given["file"], coding, kind, expected, found, agrees, _note(path, seen.pixels.shape))


def _note(path: Path, shape: tuple[int, ...]) -> str:
    opened = read_dicom(path, SETTINGS)
    square = "x".join(map(str, opened.pixels.shape)) if opened.pixels.shape != shape else ""
    why = KNOWN.get(path.name, "")
    return ", ".join(filter(None, [opened.decoder, opened.scaling, square, why]))


def _print_counts(rows: list[Row]) -> None:
    every = Counter(row.kind for row in rows)
    agree = Counter(row.kind for row in rows if row.agrees)
    print("| rows of the table | number | as expected |\n|---|---|---|")
    for kind, name in {
        "image": "images with a window, colours, a palette or a table",
        "image without a window": "images without a window, by their declared range",
        "no image": "files that are broken or hold no image: refused in one sentence",
    }.items():
        print(f"| {name} | {every[kind]} | {agree[kind]} |")


def _print_rows(rows: list[Row], title: str) -> None:
    print(f"\n## {title}\n")
    print("| file | coding | expected | fastmed | read by |\n|---|---|---|---|---|")
    for row in rows:
        cells = [f"`{row.file}`", row.coding, row.expected, row.found, row.note]
        print("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")


if __name__ == "__main__":
    main()

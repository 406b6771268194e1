"""Tables of names and labels that lead elsewhere, swell their reader, or are no tables.

`CASES` maps a name to a function that writes such a table beside an image and returns its path;
each must be refused in one sentence that names it. `READ_RIGHT` are tables that look odd and are
read as they were meant.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

IMAGE = "a.png"
_PATHS = {
    "parent": "../../etc/passwd",
    "parent_within": "images/../../secret.png",
    "absolute": "/etc/passwd",
    "device": "/dev/zero",
    "url": "file:///etc/passwd",
    "web": "https://example.org/a.png",
    "share": "\\\\server\\share\\a.png",
    "drive": "C:\\a.png",
    "escape": "a\x1b[2J.png",
    "line_break": '"a\nb.png"',
}
_TABLES = {
    "zero_byte": b"image,label\na\0.png,0\n",
    "utf_16": "image,label\nä.png,0\n".encode("utf-16"),
    "utf_16_without_mark": "image,label\na.png,0\n".encode("utf-16-le"),
    "latin_1": "image,label\nä.png,0\n".encode("latin-1"),
    "twice_the_same_column": b"image,label,image\na.png,0,b.png\n",
    "open_quote": b'image,label\n"a.png,0\nb.png,1\n',
    "stray_quote": b'image,label\n"a".png,0\n',
    "open_quote_in_the_first_line": b'"image,label\na.png,0\n',
    "long_cell": b"image,label\n" + b"a" * 200_000 + b",0\n",
    "many_columns": b"image,"
    + b",".join(b"%d" % number for number in range(20_000))
    + b"\na.png\n",
    "many_cells": b"image," + b",".join(b"%d" % number for number in range(9_000)) + b"\nx" * 1200,
    "many_lines": b"image,label\n" + b"\n" * 2_000_001,
    "too_many_cells_in_a_row": b"image,label\na.png,0,1\n",
    "formula_as_label": b"image,label\na.png,=1+1\n",
    "escape_as_label": b"image,label\na.png,\x1b[31mred\n",
    "markup_as_label": b"image,label\na.png,[bold]red[/bold]\n",
    "very_long_label": b"image,label\na.png," + b"x" * 100_000 + b"\n",
    "empty": b"",
    "only_a_line_of_names": b"image,label\n",
}


def write_image(path: Path, seed: int = 0) -> Path:
    """Write a small grey image; another ``seed`` makes another one."""
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(path, format="png")
    return path


def _writer(name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        write_image(folder / IMAGE)
        path = folder / f"{name}.csv"
        row = _PATHS.get(name)
        path.write_bytes(_TABLES[name] if row is None else f"image,label\n{row},0\n".encode())
        return path

    return write


def _line_of_a_gigabyte(folder: Path) -> Path:
    """Write a table with one line of a gigabyte, which takes no room on the disk."""
    write_image(folder / IMAGE)
    path = folder / "long_line.csv"
    with path.open("wb") as file:
        file.write(b"image,label\n" + b"a" * 2_000_000)
        file.truncate(10**9)
    return path


CASES: dict[str, Callable[[Path], Path]] = {
    **{name: _writer(name) for name in [*_PATHS, *_TABLES]},
    "long_line": _line_of_a_gigabyte,
}

READ_RIGHT = {
    "mark": b"\xef\xbb\xbfimage,label\na.png,0\n",
    "semicolons": b"image;label\na.png;0\n",
    "tabs": b"image\tlabel\na.png\t0\n",
    "carriage_returns": b"image,label\r\na.png,0\r\n",
    "quotes": b'"image","label"\n"a.png","0"\n',
    "spaces": b" image , label \n a.png , 0 \n",
    "blank_lines": b"image,label\n\n\na.png,0\n\n",
    "backslash": b"image,label\n.\\a.png,0\n",
}

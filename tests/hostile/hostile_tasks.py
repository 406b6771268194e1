"""Task files with names that other programs would run or follow, and files that are no tasks.

`CASES` maps a name to a function that writes a task file with a task ``mine`` into a folder and
returns its path; each must be refused in one sentence that names it. `HARMLESS` are class names
that look dangerous, mean nothing to anybody, and stand everywhere as they are written.
"""

import unicodedata
from collections.abc import Callable
from pathlib import Path

import tomli_w

HARMLESS = ("a/b", "{{7*7}}", "${x}", "$\\frac{$", "<50", "> 3", "100%", "O'Hara", 'a"b', "[red]x")
_CLASSES = {
    "empty": "",
    "blank": "   ",
    "padded": " x ",
    "script": "<script>alert(1)</script>",
    "image_tag": '"><img src=x onerror=alert(1)>',
    "closing_tag": "</textarea>",
    "comment": "<!--",
    "parent": "../x",
    "parent_of_windows": "..\\x",
    "absolute": "/etc/passwd",
    "drive": "C:x",
    "url": "file:///etc/passwd",
    "device": "CON",
    "device_with_suffix": "nul.txt",
    "port": "COM1",
    "formula": "=1+1",
    "plus": "+x",
    "minus": "-x",
    "at": "@SUM(A1)",
    "long": "x" * 300,
    "right_to_left": "a\u202eb",
    "no_width": "a\u200bb",
    "escape": "\x1b[31mred",
    "line_break": "a\nb",
    "zero": "a\0b",
    "tag_character": "a\U000e0041",
}
_TWINS = {
    "encodings": ("naïve", unicodedata.normalize("NFD", "naïve")),
    "case": ("Mild", "MILD"),
    "compatible": ("ﬁne", "fine"),
    "width": ("ABC", "\uff21\uff22\uff23"),
}
_TABLE = {
    "title": "A task",
    "goal": "category",
    "classes": ["a", "b"],
    "source": {"kind": "table", "file": "labels.csv", "image": "image", "label": "label"},
    "image": {"size": 32},
    "train": {"arch": "test_resnet", "pretrained": False, "epochs": 1, "batch": 4},
}
_SOURCES = {
    "file_above": {"file": "../labels.csv"},
    "file_elsewhere": {"file": "/etc/passwd"},
    "folder_above": {"folder": "../.."},
    "folder_elsewhere": {"folder": ["images", "/etc"]},
    "part_above": {"valid_file": "..\\labels.csv"},
}
_TEXTS = {
    "nested_lists": "a = " + "[\n" * 50_000,
    "nested_tables": "[" + "a." * 50_000 + "a]\nx = 1",
    "nested_keys": "\n".join(f"a{n}." + "a." * 2_490 + "a = 1" for n in range(8)),
    "no_table": "mine = 1",
    "list_of_tables": "[[mine]]\ntitle = 'x'",
    "date_as_task": "mine = 1979-05-27",
    "endless_number": "[mine]\ngoal = " + "9" * 100_000,
    "strange_name": "['../mine']\ntitle = 'x'",
    "empty_name": "['']\ntitle = 'x'",
    "zero_byte": "[mine]\ntitle = 'a\0b'",
    "escape_in_title": '[mine]\ntitle = "\\u001b[31m"\n',
}


def task_file(folder: Path, **changes: object) -> Path:
    """Write a task file with the task ``mine``, changed."""
    path = folder / "tasks.toml"
    path.write_text(tomli_w.dumps({"mine": {**_TABLE, **changes}}), encoding="utf-8")
    return path


def _with_classes(*names: str) -> Callable[[Path], Path]:
    return lambda folder: task_file(folder, classes=[*names, "normal"])


def _with_source(changes: dict[str, object]) -> Callable[[Path], Path]:
    return lambda folder: task_file(folder, source={**_TABLE["source"], **changes})


def _with_text(text: str | bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "tasks.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def _gigabyte(folder: Path) -> Path:
    path = folder / "tasks.toml"
    path.write_text("[mine]\n")
    with path.open("r+b") as file:
        file.truncate(10**9)
    return path


CASES: dict[str, Callable[[Path], Path]] = {
    **{f"class_{key}": _with_classes(name) for key, name in _CLASSES.items()},
    **{f"twins_{key}": _with_classes(*names) for key, names in _TWINS.items()},
    **{f"source_{key}": _with_source(changes) for key, changes in _SOURCES.items()},
    **{key: _with_text(text) for key, text in _TEXTS.items()},
    "utf_16": _with_text("[mine]\n".encode("utf-16")),
    "gigabyte": _gigabyte,
}

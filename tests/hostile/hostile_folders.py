"""Folders in which names lead in circles, to pipes and devices, or hold what steers a terminal.

`CASES` maps a name to a function that puts such things beside one image into a folder, which it
returns: the image is read, the rest is passed by and counted. `REFUSED` can't be read at all, and
`ODD_NAMES` are names of good images, which are read and shown as what they are.
"""

import os
from collections.abc import Callable
from pathlib import Path

from hostile_tables import IMAGE, write_image

ODD_NAMES = {
    "escape": "\x1b[2J\x1b[31mred.png",
    "title": "\x1b]0;owned\x07.png",
    "markup": "[bold red]x.png",
    "emoji": "[link=x] :smile: [x].png",
    "line_break": "a\nError: b.png",
    "carriage_return": "good\rbad .png",
    "right_to_left": "a\u202egnp.txt.png",
    "no_width": "a\u200bb.png",
    "formula": "=HYPERLINK(1).png",
    "command": "-rf.png",
    "at": "@SUM(A1).png",
    "plus": "+1+cmd.png",
    "quote": "'=1.png",
    "tag": "<script>alert(1)<script>.png",
    "template": "{{7*7}}.png",
    "shell": "$(touch trapped) `touch trapped`;.png",
    "formula_of_figures": "$\\frac{$.png",
    "separator": 'a,"b";c.png',
    "long": "x" * 251 + ".png",
    "space": " .png",
}


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")


def _pipe_behind_a_link(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "link.png").symlink_to("pipe")


def _device(folder: Path) -> None:
    (folder / "zero.png").symlink_to("/dev/zero")
    (folder / "zero.dcm").symlink_to("/dev/zero")
    (folder / "random").symlink_to("/dev/urandom")


def _circle(folder: Path) -> None:
    (folder / "one.png").symlink_to("two.png")
    (folder / "two.png").symlink_to("one.png")


def _circle_of_folders(folder: Path) -> None:
    (folder / "again").symlink_to(".")
    (folder / "deeper").mkdir()
    (folder / "deeper" / "up").symlink_to("..")


def _dangling(folder: Path) -> None:
    (folder / "gone.png").symlink_to("nowhere.png")


def _folder_named_as_an_image(folder: Path) -> None:
    (folder / "folder.png").mkdir()


def _deep(folder: Path) -> None:
    """Make folders within folders, to a path longer than the system takes."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(60):
        os.mkdir("d" * 100, dir_fd=here)
        above, here = here, os.open("d" * 100, os.O_RDONLY, dir_fd=here)
        os.close(above)
    os.close(here)


def _maker(put: Callable[[Path], None]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        made = folder / "images"
        made.mkdir()
        write_image(made / IMAGE)
        put(made)
        return made

    return make


CASES: dict[str, Callable[[Path], Path]] = {
    "pipe": _maker(_pipe),
    "pipe behind a link": _maker(_pipe_behind_a_link),
    "devices behind links": _maker(_device),
    "links in a circle": _maker(_circle),
    "links to folders in a circle": _maker(_circle_of_folders),
    "link to nothing": _maker(_dangling),
    "folder named as an image": _maker(_folder_named_as_an_image),
    "folders deeper than a path": _maker(_deep),
}


def _only_a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "only.png")
    return folder / "only.png"


def _only_a_device(folder: Path) -> Path:
    (folder / "only.png").symlink_to("/dev/zero")
    return folder / "only.png"


def _only_a_circle(folder: Path) -> Path:
    (folder / "only.png").symlink_to("only.png")
    return folder / "only.png"


def _class_folder_that_leads_up(folder: Path) -> Path:
    for name in ("healthy", "COVID"):
        (folder / name).mkdir()
        write_image(folder / name / IMAGE)
    (folder / "other").symlink_to("..")
    return folder


def _name_that_is_not_utf8(folder: Path) -> Path:
    write_image(Path(os.fsdecode(os.fsencode(folder) + b"/a\xff.png")))
    return folder


REFUSED: dict[str, Callable[[Path], Path]] = {
    "a pipe": _only_a_pipe,
    "a device": _only_a_device,
    "a link to itself": _only_a_circle,
    "class folder that leads up": _class_folder_that_leads_up,
    "name that is not UTF-8": _name_that_is_not_utf8,
}


def _odd(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write_image(folder / name)
        return folder

    return make


ODD: dict[str, Callable[[Path], Path]] = {key: _odd(name) for key, name in ODD_NAMES.items()}

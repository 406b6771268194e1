"""The one hand that draws every figure: greys and one accent, readable in print without colour."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastmed.errors import RunError
from fastmed.files import check_place, write_whole

INK, GREY, PALE, FAINT, ACCENT = "#262626", "#8a8a8a", "#c4c4c4", "#ececec", "#1d4e89"
TITLE, TEXT, SMALL = 11, 9, 8  # points
LETTER, BOLD_LETTER = 0.066, 0.1  # widths of a small letter and of one in a title, in inches
SIGN = 0.55  # inches of a sign in a legend, and the room around it
DPI = 150
PANELS_IN_A_ROW = 3


def new_figure(
    title: str, size: tuple[float, float], shape: tuple[int, int] = (1, 1)
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes row by row; pyplot and its global state are not involved.

    Args:
        title: stands at the top left.
        size: width and height, in inches.
        shape: rows and columns of axes.
    """
    figure = Figure(figsize=size, facecolor="white")
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
    name = wrapped(title, int(size[0] / BOLD_LETTER))
    figure.suptitle(name, x=0.015, ha="left", fontsize=TITLE, color=INK, weight="bold")
    axes = [_dressed(one) for one in figure.subplots(*shape, squeeze=False).flat]
    return figure, axes


def _dressed(axes: Axes) -> Axes:
    """Return the axes with two thin spines and small ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(labelsize=SMALL, color=GREY, labelcolor=INK, length=3)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(fontsize=TEXT, color=INK)
    axes.set_axisbelow(True)
    return axes


def new_panels(
    title: str, count: int | str, panels: int, tall: float, below: float = 0
) -> tuple[Figure, list[Axes]]:
    """Return a figure of some images and its panels, the same for each class.

    Args:
        title: stands at the top left, with the count.
        count: of the images.
        panels: how many are needed; others of the grid are hidden.
        tall: height of a panel, in inches.
        below: what stands below them, in inches.
    """
    columns = min(panels, PANELS_IN_A_ROW)
    rows = -(-panels // columns)
    high = ((tall + 0.7) if panels == 1 else tall * rows + 0.7) + below
    figure, every = new_figure(
        f"{title} (n = {count})", (max(2.7 * columns + 0.4, 4.4), high), (rows, columns)
    )
    hide(every[panels:])
    return figure, every


def head(axes: Axes, title: str) -> None:
    """Write a small heading, of `plain` text, above the axes."""
    axes.set_title(title, loc="left", fontsize=TEXT, color=INK)


def legend(axes: Axes) -> None:
    """Explain the signs in a row above the axes."""
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 2}
    axes.legend(frameon=False, fontsize=SMALL, labelcolor=INK, **place)


def legend_below(figure: Figure, every: Sequence[Axes], said: str = "") -> None:
    """Explain the signs of all panels once, in a row below them, with a sentence above it."""
    signs: dict[str, Any] = {}
    for axes in every:
        for sign, name in zip(*axes.get_legend_handles_labels(), strict=True):
            signs.setdefault(str(name), sign)
    widths = [len(name) * LETTER + SIGN for name in signs]
    room = float(figure.get_size_inches()[0])
    columns = len(signs) if sum(widths) < room else int(room / max(widths))
    place: dict[str, Any] = {"loc": "outside lower left", "ncols": max(columns, 1)}
    text: dict[str, Any] = {"fontsize": SMALL, "title_fontsize": SMALL, "labelcolor": INK}
    told = wrapped(said, int(room / LETTER * 0.95), lines=6) or None
    figure.legend(
        list(signs.values()), list(signs), frameon=False, title=told, alignment="left",
        **text, **place,
    )  # fmt: skip


def hide(axes: Iterable[Axes]) -> None:
    """Leave places of the grid empty."""
    for one in axes:
        one.set_visible(False)


def plain(text: str) -> str:
    """Return text that matplotlib writes as it stands, dollar signs included."""
    return text.replace("$", r"\$")


def wrapped(text: str, width: int, lines: int = 3) -> str:
    r"""Return plain text in lines of at most ``width`` characters; what is too long ends in "…".

    Lines break at spaces and after ``_``, ``/`` and ``-``; a longer word is cut.
    """
    rows = [""]
    for word in re.findall(rf"[^\s_/-]{{1,{width}}}[\s_/-]?|[\s_/-]", text):
        if len((rows[-1] + word).rstrip()) > width:
            rows.append("")
        rows[-1] += word
    rows = [row.strip() for row in rows if row.strip()]
    if len(rows) > lines:
        rows = [*rows[: lines - 1], rows[lines - 1][: width - 1] + "…"]
    return plain("\n".join(rows))


def with_count(name: str, count: int, width: int = 20) -> str:
    """Return a wrapped name and the number of images below it."""
    return f"{wrapped(name, width)}\nn = {count}"


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, as a whole."""
    write_whole(path, lambda temporary: figure.savefig(temporary, format="png", dpi=DPI))


def check_figure_file(file: Path) -> Path:
    """Return the file of a figure; refuse one that can't be written, before any work is done.

    Raises:
        RunError: it is no PNG file, or its folder can't be written into.
    """
    if file.suffix.lower() != ".png":
        raise RunError(f"a figure is written as PNG, not '{file.suffix}'; name a .png file")
    check_place(file)
    return file

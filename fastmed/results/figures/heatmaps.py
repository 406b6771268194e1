"""The figure of one image with its heat map, readable in print without colour."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from fastmed.console import visible
from fastmed.data.operations.fixed import grayscale
from fastmed.results.figures.style import GREY, INK, SMALL, TEXT, head, new_figure, wrapped

# Name of a method -> what a reader knows it by.
METHOD_LABELS = {
    "gradcam": "Grad-CAM",
    "hirescam": "HiResCAM",
    "occlusion": "Occlusion",
    "integrated_gradients": "Integrated gradients",
}
STRENGTH = 0.75  # how much of the image the hottest place covers
OUTLINED = 0.5  # of the hottest place's heat, which a line encloses
CAPTION = "Shows what the network used, not where disease is."
_LINE = 112  # characters of the caption
_MAP = "inferno"  # even steps of lightness, which stay in order in print without colour


def heatmap_figure(
    picture: np.ndarray,
    heat: np.ndarray,
    record: Mapping[Hashable, Any],
    *,
    explained: str,
    method: str,
    views: Sequence[str] = ("plain",),
    places: int | None = None,
) -> Figure:
    """Return an image as the network sees it, and with its heat map, side by side.

    Args:
        picture: uint8, (H, W) or (H, W, 3).
        heat: (H, W) from 0 to 1; all 0 where nothing raises what is explained.
        record: of the predictions table: ``item``, ``target``, ``predicted``, ``score_CLASS``
            and, of grades, ``value``.
        explained: the class or the value that the map is of.
        method: that made the map.
        views: that the prediction is the mean over.
        places: side of the network's feature map, whose places the heat is of; None for a method
            that looks at pixels.
    """
    figure, (left, right) = new_figure(visible(_short(str(record["item"]))), (6.9, 4.6), (1, 2))
    side = f"{picture.shape[1]} x {picture.shape[0]}"
    head(left, f"{_said(record)}\n\nAs the network sees it ({side})")
    head(right, f"\n\n{wrapped(f'What raises {_quoted(explained)}', 46, lines=1)}")
    _draw_pair(figure, (left, right), picture, heat)
    figure.supxlabel(
        wrapped(caption(method, views, places), _LINE),
        x=0.015,
        ha="left",
        fontsize=SMALL,
        color=INK,
    )
    return figure


def bare_heatmap_figure(picture: np.ndarray, heat: np.ndarray, *, explained: str) -> Figure:
    """Return the same without names, classes and caption, for pages that tell them beside it.

    Args: see `heatmap_figure`.
    """
    figure, (left, right) = new_figure("", (5.4, 2.75), (1, 2))
    head(left, "As the network sees it")
    head(right, wrapped(f"What raises {_quoted(explained)}", 36, lines=1))
    _draw_pair(figure, (left, right), picture, heat)
    return figure


def _draw_pair(
    figure: Figure, pair: tuple[Axes, Axes], picture: np.ndarray, heat: np.ndarray
) -> None:
    left, right = pair
    _show(left, picture)
    _show(right, overlay(picture, heat))
    if heat.max() > 0:
        _outline(right, heat)
    else:
        right.text(0.5, 0.5, "nothing does", transform=right.transAxes, **_note())
    _add_bar(figure, right)


def overlay(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Return the image in grey under the colours of its heat, (H, W, 3) from 0 to 1.

    The hotter a place, the more its colour covers the image; cold places show the image, in grey
    so that no colour of its own is taken for heat.
    """
    grey = grayscale(picture)[..., None] / 255
    cover = STRENGTH * heat[..., None]
    return np.asarray(grey * (1 - cover) + colormaps[_MAP](heat)[..., :3] * cover)


def caption(method: str, views: Sequence[str] = ("plain",), places: int | None = None) -> str:
    """Return what stands below a heat map: what it is, and what it is not.

    Args: see `heatmap_figure`.
    """
    grain = f", {places} x {places} places" if places else ""
    told = f"{CAPTION} {METHOD_LABELS[method]}{grain}; the line encloses heat from {OUTLINED} on."
    if list(views) != ["plain"]:
        told += f" Of the plain view; the prediction is the mean over {', '.join(views)}."
    return told


def _said(record: Mapping[Hashable, Any]) -> str:
    """Return the true and the predicted class, and the score of the latter."""
    score = float(record[f"score_{record['predicted']}"])
    value = f", value {float(record['value']):.2f}" if "value" in record else ""
    lines = [
        wrapped(f"true: {record['target'] or 'not known'}", 46, lines=1),
        wrapped(f"predicted: {record['predicted']}", 46, lines=1) + f" (score {score:.2f}{value})",
    ]
    return "\n".join(lines)


def _quoted(name: str) -> str:
    return f"the {name}" if name in ("value", "expected grade") else f"'{name}'"


def _show(axes: Axes, pixels: np.ndarray) -> None:
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    axes.spines[:].set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_anchor("NW")


def _outline(axes: Axes, heat: np.ndarray) -> None:
    lines = axes.contour(heat, levels=[OUTLINED], colors="white", linewidths=1.1)
    lines.set_path_effects([withStroke(linewidth=2.4, foreground="black")])


def _add_bar(figure: Figure, axes: Axes) -> None:
    """Explain the colours as they look on a mid-grey image."""
    steps = np.linspace(0, 1, 256)
    shown = overlay(np.full((1, 256), 128, np.uint8), steps[None])[0]
    mappable = ScalarMappable(Normalize(0, 1), ListedColormap(shown))
    place = axes.inset_axes((1.03, 0, 0.045, 1))
    bar = figure.colorbar(mappable, cax=place, ticks=[0, OUTLINED, 1])
    bar.ax.axhline(OUTLINED, color="white", linewidth=1.1)
    bar.ax.tick_params(labelsize=SMALL, color=GREY, labelcolor=INK)
    bar.outline.set_visible(False)
    bar.set_label("heat, as a share of the hottest place", fontsize=SMALL, color=INK)


def _note() -> dict[str, Any]:
    box = {"facecolor": "black", "alpha": 0.6, "linewidth": 0}
    return {"ha": "center", "va": "center", "color": "white", "fontsize": TEXT, "bbox": box}


def _short(item: str) -> str:
    """Return the end of an item's name that tells it from others."""
    parts = PurePosixPath(item).parts
    name = "/".join(parts[-2:]) if len(parts) > 1 else item
    return name if len(name) <= 70 else f"{name[:34]}…{name[-35:]}"

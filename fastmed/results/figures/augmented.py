"""The figure of augmented training images, and augmentation in words."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure

from fastmed.results.figures.style import INK, SMALL, head, new_figure, wrapped
from fastmed.settings.augment import AugmentSettings

_WORDS: dict[str, Callable[[AugmentSettings], str]] = {
    "flip_horizontal": lambda one: f"mirrored left to right ({one.flip_horizontal:.0%})",
    "flip_vertical": lambda one: f"upside down ({one.flip_vertical:.0%})",
    "rotate": lambda one: f"turned by up to {one.rotate:g}°",
    "zoom": lambda one: f"zoomed by up to {one.zoom:g}",
    "warp": lambda one: f"seen aslant by up to {one.warp:g}",
    "light": lambda one: f"brightness and contrast changed by up to {one.light:.0%}",
    "hed": lambda one: f"dyes changed by up to {one.hed:.0%}",
}
_AFFINE = ("rotate", "zoom", "warp")


def augmentation_words(settings: AugmentSettings) -> str:
    """Return what is done to training images, how strongly, how often and in which epochs."""
    neutral = AugmentSettings()
    used = [name for name in _WORDS if getattr(settings, name) != getattr(neutral, name)]
    flips = [_WORDS[name](settings) for name in used if name.startswith("flip")]
    affine = [_WORDS[name](settings) for name in used if name in _AFFINE]
    if affine:
        affine = [f"{' and '.join(affine)} ({settings.affine_probability:.0%})"]
    light = [f"{_WORDS['light'](settings)} ({settings.light_probability:.0%})"]
    dyes = [_WORDS["hed"](settings)] * ("hed" in used)
    text = ", ".join([*flips, *affine, *(light if "light" in used else []), *dyes])
    return (text or "none") + _epochs(settings)


def _epochs(settings: AugmentSettings) -> str:
    if settings.last_epoch is not None:
        return f"; epochs {settings.first_epoch} to {settings.last_epoch}"
    return f"; from epoch {settings.first_epoch} on" if settings.first_epoch > 1 else ""


def augmented_figure(
    names: Sequence[str], pictures: Sequence[Sequence[np.ndarray]], words: str
) -> Figure:
    """Return a row for each image: plain, and then in random augmentations.

    Args:
        names: the class of each image.
        pictures: of each image, the plain one first: uint8 (H, W) or (H, W, 3).
        words: what is done to the images.
    """
    columns = max(map(len, pictures))
    size = 1.35 * columns + 1.5, 1.35 * len(pictures) + 0.9
    figure, every = new_figure(f"Augmentation: {words}", size, (len(pictures), 1))
    for axes, name, some in zip(every, names, pictures, strict=True):
        axes.imshow(_strip(some), cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
        axes.spines[:].set_visible(False)
        axes.set(xticks=[], yticks=[])
        told = wrapped(name, 16, lines=4)
        axes.set_ylabel(told, fontsize=SMALL, color=INK, rotation=0, ha="right", va="center")
    head(every[0], "plain, and then in random augmentations")
    return figure


def _strip(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Return pictures side by side on white: one image is drawn much faster than many."""
    height, width = pictures[0].shape[:2]
    gap = max(1, width // 16)
    shape = height, len(pictures) * (width + gap) - gap, *pictures[0].shape[2:]
    strip = np.full(shape, 255, np.uint8)
    for place, picture in enumerate(pictures):
        left = place * (width + gap)
        strip[:, left : left + width] = picture
    return strip

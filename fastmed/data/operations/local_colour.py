"""Ben Graham's local colour normalisation: what differs from its surroundings, on mid-grey."""

import cv2
import numpy as np

from fastmed.data.operations.background import find_foreground

GAIN = 4.0
MID_GREY = 128.0

_FINE = 4.0  # the blur is worked out where its width is so many pixels, on a reduced copy
_EDGE = 0.02  # of the longer side: how much of the image's soft edge becomes mid-grey
_ROUND = 0.2  # of the longer side: radius of what fits into all parts of the image, not into tabs


def local_colour(pixels: np.ndarray, width: float) -> np.ndarray:
    """Return four times the difference of an image from its Gaussian local average, on mid-grey.

    It evens out light and tint, and lifts vessels and lesions. The dark background takes no part
    in the average, so that the fundus has no ring at its edge; it becomes mid-grey itself.

    Args:
        pixels: uint8, (H, W) or (H, W, 3).
        width: standard deviation of the blur, as a share of the longer side of what is image.
            The original takes a thirtieth of the fundus' radius.

    Source:
        B. Graham, Kaggle Diabetic Retinopathy Detection competition report, 2015.
    """
    inside, side = _inside(pixels)
    average = _local_average(pixels, inside, width * side)
    shown = (pixels - average) * GAIN + MID_GREY
    shown[inside == 0] = MID_GREY
    return np.asarray((shown + 0.5).clip(0, 255), dtype=np.uint8)


def _inside(pixels: np.ndarray) -> tuple[np.ndarray, int]:
    """Return where the image is without its soft edge, uint8 (H, W) of 0 and 1; its longer side.

    An image has no dents, so dark lesions and shades belong to it: it is a convex hull.
    """
    height, width = pixels.shape[:2]
    found = find_foreground(pixels)
    if found is None:
        return np.ones((height, width), np.uint8), max(height, width)
    mask = cv2.copyMakeBorder(found.mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    side = max(found.bottom - found.top, found.right - found.left)
    reduced = side * len(found.mask) / height
    middle = _depth(mask) > _ROUND * reduced
    body = _depth(~middle) <= _ROUND * reduced if middle.any() else mask
    outlines, _ = cv2.findContours(
        body.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    hull = cv2.fillConvexPoly(mask, cv2.convexHull(np.concatenate(outlines)), (1,))
    core = (_depth(hull) > _EDGE * reduced)[1:-1, 1:-1].astype(np.uint8)
    return cv2.resize(core, (width, height), interpolation=cv2.INTER_NEAREST), side


def _depth(mask: np.ndarray) -> np.ndarray:
    """Return the distance of each place in the mask from what is not in it, in pixels."""
    return cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)


def _local_average(pixels: np.ndarray, inside: np.ndarray, sigma: float) -> np.ndarray:
    """Return the Gaussian average of what is inside, float32, shaped as the pixels."""
    height, width = inside.shape
    share = min(1.0, _FINE / sigma)
    size = (max(1, round(width * share)), max(1, round(height * share)))
    weight = cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    masked = pixels * (inside if pixels.ndim == 2 else inside[..., None])
    values = cv2.resize(masked, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    weight = cv2.GaussianBlur(weight, (0, 0), sigma * share)
    values = cv2.GaussianBlur(values, (0, 0), sigma * share)
    average = values / np.maximum(weight if values.ndim == 2 else weight[..., None], 1e-3)
    return np.asarray(cv2.resize(average, (width, height), interpolation=cv2.INTER_LINEAR))

"""What is done with an image before a file of `fastmed export` takes it: NumPy and Pillow alone."""

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3}  # as Pillow numbers them


def prepared(picture, before, inside):
    """Return an RGB picture after the operations that the file says come before it.

    Args:
        picture: a Pillow image of 8 bits a channel, upright.
        before, inside: as the file's properties say them.
    """
    if picture.mode not in ("L", "RGB"):
        ground = Image.new("RGBA", picture.size, before["reading"]["transparency"])
        if picture.mode in ("I;16", "I", "F"):
            raise ValueError(f"{picture.mode}: scale more than 8 bits by before['reading'] first")
        picture = Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")
    for operation in before["operations"]:
        name, amount = operation["name"], operation["amount"]
        if name not in OPERATIONS:
            raise ValueError(f"{name} needs OpenCV: prepare the images with `fastmed convert`")
        picture = OPERATIONS[name](picture, amount, FILTERS[inside["interpolation"]])
    return picture.convert("RGB")


def crop_background(picture, margin, _):
    """Return what of a picture is image, without the dark background around it.

    It is fastmed's rule with other filters, so that the box may lie a pixel or two elsewhere.
    """
    box = foreground_box(picture, 0.02 if margin is None else margin)
    return picture if box is None else picture.crop(box)


def foreground_box(picture, margin):
    """Return left, top, right and bottom of the image; None where there is no dark background."""
    grey = brightness(picture)
    level, noise = background(grey)
    surely = max(2.5, 5 * noise)
    bright = grey[grey > level + surely]
    contrast = np.median(bright) - level if bright.size else 0
    mask = large_parts(grey > level + max(surely, min(10, 0.08 * contrast)))
    rows, columns = (np.flatnonzero(mask.mean(axis) > 0.01) for axis in (1, 0))
    if level > 32 or not rows.size or not columns.size:
        return None
    (top, bottom), (left, right) = ((at[0], at[-1] + 1) for at in (rows, columns))
    if (bottom - top) * (right - left) < 0.15 * mask.size:
        return None
    sides = [
        (left, right, grey.shape[1], picture.width),
        (top, bottom, grey.shape[0], picture.height),
    ]
    ends = []
    for first, last, reduced, full in sides:
        start, stop = int(first * full / reduced), int(np.ceil(last * full / reduced))
        more = round(margin * (stop - start))
        ends.append((max(0, start - more), min(full, stop + more)))
    (left, right), (top, bottom) = ends
    return left, top, right, bottom


def brightness(picture):
    """Return the brightest channel of a small, smoothed copy."""
    while max(picture.size) > 1024:
        picture = picture.resize([(side + 1) // 2 for side in picture.size], Image.Resampling.BOX)
    share = min(1, 512 / max(picture.size))
    picture = picture.resize(
        [max(1, round(side * share)) for side in picture.size], Image.Resampling.BOX
    )
    pixels = np.asarray(picture)
    brightest = Image.fromarray(pixels if pixels.ndim == 2 else pixels.max(2))
    grey = np.asarray(brightest.filter(ImageFilter.MedianFilter(3))).astype(np.float32)
    kernel = np.exp(-(np.arange(-3, 4) ** 2) / (2 * 0.8**2))
    for axis in (0, 1):
        padded = np.pad(grey, [(3, 3) if axis == one else (0, 0) for one in (0, 1)], "reflect")
        lines = np.lib.stride_tricks.sliding_window_view(padded, 7, axis)
        grey = lines @ (kernel / kernel.sum())
    return grey


def background(grey):
    """Return level and noise of the darkest part of the picture's edge."""
    sides = [grey[0], grey[-1], grey[:, 0], grey[:, -1]]
    darkest = np.percentile(np.concatenate(sides), 5)
    steps = [np.abs(side[4:] - side[:-4])[side[4:] < darkest + 10] for side in sides]
    step = np.concatenate(steps)
    noise = 1.4826 * np.median(step) / np.sqrt(2) if step.size else 0.0
    return darkest + 1.645 * noise, noise


def large_parts(mask):
    """Return a mask without its connected parts that are small beside the largest."""
    parts, areas, number = np.zeros(mask.shape, int), {}, 0
    for start in zip(*np.nonzero(mask), strict=True):
        if parts[start]:
            continue
        number += 1
        parts[start], area, edge = number, 0, [start]
        while edge:
            row, column = edge.pop()
            area += 1
            for place in (
                (row + 1, column),
                (row - 1, column),
                (row, column + 1),
                (row, column - 1),
            ):
                inside = 0 <= place[0] < mask.shape[0] and 0 <= place[1] < mask.shape[1]
                if inside and mask[place] and not parts[place]:
                    parts[place] = number
                    edge.append(place)
        areas[number] = area
    least = 0.05 * max(areas.values(), default=0)
    return np.isin(parts, [part for part, area in areas.items() if area >= max(1, least)])


def resized(picture, longer, how):
    """Return a picture whose longer side has so many pixels."""
    share = longer / max(picture.size)
    return picture.resize([max(1, round(side * share)) for side in picture.size], how)


OPERATIONS = {
    "crop_background": crop_background,
    "grayscale": lambda picture, _, __: picture.convert("L"),
    "invert": lambda picture, _, __: ImageOps.invert(picture),
    "brightness": lambda picture, factor, _: ImageEnhance.Brightness(picture).enhance(factor),
    "contrast": lambda picture, factor, _: ImageEnhance.Contrast(picture).enhance(factor),
    "sharpness": lambda picture, factor, _: ImageEnhance.Sharpness(picture).enhance(factor),
    "resize": lambda picture, longer, how: resized(picture, int(longer), how),
}

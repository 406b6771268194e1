"""Images that are nearly the same: saved anew, resized, brightened, flipped, turned or inverted.

Hashes find candidates quickly, among millions of pairs. Where all images have one shape, as fundus
photographs have, hashes see that shape; so each candidate is compared in its details, too.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fastmed.auditing.prints import BITS, VARIANTS

NEAR = (40, 20)  # bits in which the hashes of copies differ at most: pHash, dHash
ALIKE = 0.97  # correlation of their details, at least
SMALL = 64  # side of the images whose details are compared
MOST_PAIRS = 500_000
_AT_ONCE = 256  # images, or pairs
_DETAIL = 3  # pixels; what is larger is no detail
_EVEN = 1.5  # variance of grey values below which a place is ground without content
_FEWEST = SMALL**2 // 10  # pixels with content that are compared


class Pairs(NamedTuple):
    """Pairs of images that are nearly the same.

    Attributes:
        left, right: positions, (n,); left < right.
        complete: False if there were more candidates than `MOST_PAIRS`.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    complete: bool = True


def near_pairs(
    prints: NDArray[np.uint8], small: NDArray[np.uint8], most: int = MOST_PAIRS
) -> Pairs:
    """Return the pairs of images that are nearly the same, in any variant, inverted or not.

    Args:
        prints: of `prints_of`, (n, 2, 8, 32).
        small: the images, grey (n, 64, 64).
        most: candidates after which no more are looked for.
    """
    left, right, variant, complete = _candidates(prints, most)
    alike = _details_alike(small, left, right, variant)
    return Pairs(left[alike], right[alike], complete)


def _candidates(
    prints: NDArray[np.uint8], most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], bool]:
    """Return left, right and the variant of the left one, of pairs with near hashes."""
    count, total = len(prints), 0
    plain = [_signs(prints[:, kind, 0]) for kind in range(len(NEAR))]
    found: list[NDArray[np.int64]] = []
    for start in range(0, count, _AT_ONCE):
        rows = slice(start, min(start + _AT_ONCE, count))
        nearness = np.stack(
            [
                _nearness(_signs(prints[rows, kind]), sign[start:], NEAR[kind])
                for kind, sign in enumerate(plain)
            ]
        ).max(axis=0)
        left, right = np.nonzero(np.triu(nearness.max(axis=1) >= 0, k=1))
        variant = nearness[left, :, right].argmax(axis=1)
        found.append(np.stack([left + start, right + start, variant]))
        total += len(left)
        if total > most:
            break
    pairs = np.concatenate(found, axis=1) if found else np.zeros((3, 0), dtype=np.int64)
    return pairs[0, :most], pairs[1, :most], pairs[2, :most], total <= most


def _signs(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return bits (..., 32) packed as numbers (..., 256) that are -1 or 1."""
    return np.unpackbits(packed, axis=-1).astype(np.float32) * 2 - 1


def _nearness(
    variants: NDArray[np.float32], others: NDArray[np.float32], most: int
) -> NDArray[np.float32]:
    """Return (n, 8, m): how near variants (n, 8, 256) are to others (m, 256); near from 0 on.

    The product of signs is 256 less twice the number of differing bits; -256 is the inverse.
    """
    product = variants.reshape(-1, BITS) @ others.T
    np.abs(product, out=product)
    product -= BITS - 2 * most
    nearness: NDArray[np.float32] = product.reshape(len(variants), VARIANTS, -1)
    return nearness


def _details_alike(
    small: NDArray[np.uint8],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    variant: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Return which pairs have the same details, (n,)."""
    if len(left) == 0:
        return np.zeros(0, dtype=bool)
    used, places = np.unique(np.concatenate([left, right]), return_inverse=True)
    details = np.array([_details(image) for image in small[used]]).reshape(len(used), 2, -1)
    turns = _turns()
    alike = np.zeros(len(left), dtype=bool)
    for start in range(0, len(left), _AT_ONCE):
        pairs = slice(start, start + _AT_ONCE)
        one = details[places[: len(left)][pairs]]
        other = details[places[len(left) :][pairs]]
        turned = np.take_along_axis(one, turns[variant[pairs]][:, None], axis=2)
        alike[pairs] = np.abs(_correlation(turned, other)) >= ALIKE
    return alike


def _turns() -> NDArray[np.int64]:
    """Return for each variant where its pixels are in the image, (8, 4096)."""
    plain = np.arange(SMALL**2).reshape(SMALL, SMALL)
    bases = (plain, plain.T)
    flipped = [(base, base[:, ::-1], base[::-1], base[::-1, ::-1]) for base in bases]
    return np.array([turn.ravel() for some in flipped for turn in some])


def _details(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the details of an image at one contrast, and 1 where it has content: (2, 64, 64)."""
    grey = image.astype(np.float32)
    fine = cv2.GaussianBlur(grey, (0, 0), 1) - cv2.GaussianBlur(grey, (0, 0), _DETAIL)
    contrast = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), _DETAIL))
    content = 1 - _ground(grey)
    return np.stack([fine / (contrast + 1), content.astype(np.float32)])


def _ground(grey: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return 1 where an image is even, as the black around a photograph, and near to that."""
    variance = cv2.blur(grey * grey, (5, 5)) - cv2.blur(grey, (5, 5)) ** 2
    even = (variance < _EVEN).astype(np.uint8)
    areas = cv2.morphologyEx(even, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    return np.asarray(cv2.dilate(areas, np.ones((13, 13), np.uint8)), dtype=np.uint8)


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the correlation of details (n, 2, pixels) where both have content; 0 if hardly any."""
    both = one[:, 1] * other[:, 1]
    count = both.sum(axis=1, keepdims=True)
    parts = []
    for details in (one[:, 0], other[:, 0]):
        mean = (details * both).sum(axis=1, keepdims=True) / np.maximum(count, 1)
        parts.append((details - mean) * both)
    first, second = parts
    spread = np.sqrt((first * first).sum(axis=1) * (second * second).sum(axis=1))
    enough = (count[:, 0] >= _FEWEST) & (spread > 0)
    found: NDArray[np.float32] = np.where(
        enough, (first * second).sum(axis=1) / np.where(spread > 0, spread, 1), 0
    )
    return found

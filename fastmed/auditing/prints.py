"""Perceptual hashes: 256 bits that hardly change when an image is saved anew or changed a bit.

Two kinds, since each misses changes that the other one finds. The usual hashes of 64 bits can't
tell radiographs apart: all of them show a chest.

Source: C. Zauner, Implementation and benchmarking of perceptual image hash functions, 2010 (pHash);
N. Krawetz, Kind of like that, 2013 (dHash).
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

SIDE = 16  # bits in a row
BITS = SIDE**2
VARIANTS = 8  # an image and its transposed, each as it is and flipped three ways
KINDS = ("pHash", "dHash")
_FACTOR = 4  # how much finer the image is than the frequencies that are kept
Grey = NDArray[np.uint8]
Bits = NDArray[np.bool_]


def prints_of(grey: Grey) -> NDArray[np.uint8]:
    """Return both hashes of each variant of a grey image (H, W), packed: (2, 8, 32).

    The first variant is the image as it is. What is inverted needs no hash of its own: its bits are
    the opposite ones.
    """
    picture = Image.fromarray(grey)
    square = _resized(picture, SIDE * _FACTOR, SIDE * _FACTOR)
    wide = _resized(picture, SIDE + 1, SIDE)
    tall = _resized(picture, SIDE, SIDE + 1).T
    frequencies = dctn(square, type=2)[:SIDE, :SIDE]
    phashes = [_phash(turned) for turned in _flipped_frequencies(frequencies)]
    dhashes = [_dhash(turned) for base in (wide, tall) for turned in _flipped(base)]
    bits = np.array([phashes, dhashes]).reshape(len(KINDS), VARIANTS, BITS)
    return np.packbits(bits, axis=-1)


def _resized(picture: Image.Image, width: int, height: int) -> NDArray[np.float64]:
    small = picture.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(small, dtype=np.float64)


def _phash(frequencies: NDArray[np.float64]) -> Bits:
    """Return which of the lowest frequencies (16, 16) are above their median."""
    above: Bits = frequencies > np.median(frequencies)
    return above


def _dhash(small: NDArray[np.float64]) -> Bits:
    """Return where an image (16, 17) becomes brighter from left to right."""
    brighter: Bits = small[:, 1:] > small[:, :-1]
    return brighter


def _flipped(image: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return [image, image[:, ::-1], image[::-1], image[::-1, ::-1]]


def _flipped_frequencies(frequencies: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return the cosine transform of each variant: a flip turns the sign of the odd frequencies."""
    sign = np.where(np.arange(SIDE) % 2, -1.0, 1.0)
    return [
        turned
        for base in (frequencies, frequencies.T)
        for turned in (base, base * sign, base * sign[:, None], base * sign * sign[:, None])
    ]

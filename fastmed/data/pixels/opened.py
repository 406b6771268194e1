"""What every reader of images gives back: the pixels, and how they came about."""

from typing import NamedTuple

import numpy as np


class Opened(NamedTuple):
    """An image as it is meant to be seen.

    Attributes:
        pixels: uint8, (H, W) grey or (H, W, 3) RGB.
        decoder: what decoded the file, such as ``pillow`` or ``pylibjpeg``.
        scaling: how its values became 0 to 255, such as ``8 bits`` or ``window``.
        remark: what the user should know of this kind of file, told once for all such files.
    """

    pixels: np.ndarray
    decoder: str
    scaling: str
    remark: str = ""

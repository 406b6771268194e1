"""A decoded frame, and what its header says of it."""

from typing import NamedTuple

import numpy as np

from fastmed.data.pixels.dicom.announced import Announced
from fastmed.data.pixels.dicom.fields import Fields, macro


class Frame(NamedTuple):
    """A frame as it is stored.

    Attributes:
        values: (rows, columns), or (rows, columns, 3) RGB.
        announced: their type.
        fields: of the file.
        position: of the frame among those of the file, from 0.
        little: endian.
        decoder: the name of what decoded it.
    """

    values: np.ndarray
    announced: Announced
    fields: Fields
    position: int
    little: bool
    decoder: str

    def group(self, sequence: str) -> Fields:
        """Return where the fields of a functional group stand for this frame."""
        return macro(self.fields, self.position, sequence)

"""What a DICOM file may announce before anything of it is decoded."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The largest file that is read; what announces more is refused before memory is taken.

    Attributes:
        pixels: of a frame, rows times columns, also once its pixels are made square.
        decoded: bytes of a decoded frame.
        frames: that a file may announce. Only one is decoded, however many there are.
        inflated: bytes of a file whose data set is compressed as a whole (deflate).
        depth: of sequences within sequences.
        elements: of the header, those within sequences included.
    """

    pixels: int = 100_000_000
    decoded: int = 2_000_000_000
    frames: int = 100_000
    inflated: int = 512_000_000
    depth: int = 64
    elements: int = 1_000_000


STANDARD = Limits()

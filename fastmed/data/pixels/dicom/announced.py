"""What a header says of the pixels, checked before they are decoded (PS3.3, C.7.6.3)."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastmed.data.pixels.dicom.container import Container
from fastmed.data.pixels.dicom.fields import Fields
from fastmed.data.pixels.dicom.limits import Limits
from fastmed.data.pixels.dicom.structure import PIXELS, UNDEFINED, Element, too_long
from fastmed.data.pixels.scaling import UnreadableError

FIELDS = (
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames",
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
)  # fmt: skip
GREY = ("MONOCHROME1", "MONOCHROME2")
PALETTE = "PALETTE COLOR"
COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_MOST_SIDE = 65535


@dataclass(frozen=True)
class Announced:
    """The shape and type of the pixels.

    Attributes:
        rows, columns, samples, frames: numbers of them.
        photometric: what the samples mean.
        planar: 1 if colours stand plane by plane, 0 if pixel by pixel.
        allocated, stored: bits of a sample, and those of them that are used.
        unused_low: bits below those that are used, as old files have them.
        signed: whether integers may be negative.
        element: that holds the pixels.
    """

    rows: int
    columns: int
    samples: int
    frames: int
    photometric: str
    planar: int
    allocated: int
    stored: int
    unused_low: int
    signed: bool
    element: Element

    @property
    def keyword(self) -> str:
        """The name of the element that holds the pixels."""
        return PIXELS[self.element.tag]

    @property
    def floats(self) -> bool:
        """Whether the pixels are floating-point numbers."""
        return self.keyword != "PixelData"

    @property
    def frame_bits(self) -> int:
        """The size of a frame as it is stored without compression."""
        bits = self.rows * self.columns * self.samples * self.allocated
        return bits * 2 // 3 if self.photometric == "YBR_FULL_422" else bits


def read_announced(fields: Fields, container: Container, limits: Limits) -> Announced:
    """Return what the header says of the pixels.

    Raises:
        UnreadableError: there are none, a field is missing or impossible, fields contradict each
            other or the file, or the limits are exceeded.
    """
    element = container.pixels
    if element is None or "Rows" not in fields or "Columns" not in fields:
        kind = f" ({container.kind.name})" if container.kind.name else ""
        raise UnreadableError(f"the DICOM file holds no image{kind}")
    allocated = _whole(fields, "BitsAllocated", (1, 8, 16, 32, 64))
    floats = PIXELS[element.tag] != "PixelData"
    stored = allocated if floats else _up_to(fields, "BitsStored", allocated)
    samples = _whole(fields, "SamplesPerPixel", (1, 3))
    found = Announced(
        rows=_up_to(fields, "Rows", _MOST_SIDE),
        columns=_up_to(fields, "Columns", _MOST_SIDE),
        samples=samples,
        frames=_frames(fields, limits),
        photometric=_photometric(fields, samples),
        planar=_planar(fields, samples),
        allocated=allocated,
        stored=stored,
        unused_low=_unused_low(fields, stored, allocated),
        signed=not floats and _whole(fields, "PixelRepresentation", (0, 1)) == 1,
        element=element,
    )
    _check_size(found, container, limits)
    return found


def _check_size(found: Announced, container: Container, limits: Limits) -> None:
    pixels = found.rows * found.columns
    if pixels > limits.pixels:
        raise UnreadableError(
            f"its {found.rows} x {found.columns} pixels are more than the limit of "
            f"{limits.pixels:,}"
        )
    decoded = pixels * found.samples * max(found.allocated, 8) // 8
    if decoded > limits.decoded:
        raise UnreadableError(
            f"a frame would take {decoded / 1e9:.1f} GB, more than the limit of "
            f"{limits.decoded / 1e9:g} GB"
        )
    if found.element.length == UNDEFINED:
        return
    if found.element.start + found.element.length > container.source.size:
        raise UnreadableError(f"it is cut off: {too_long(found.element, container.source.size)}")
    needed = -(-found.frames * found.frame_bits // 8)
    if not container.compressed and needed > found.element.length:
        raise UnreadableError(
            f"it announces {found.frames} frames of {found.rows} x {found.columns} pixels, "
            f"{needed} bytes, but holds only {found.element.length}"
        )


def _frames(fields: Fields, limits: Limits) -> int:
    frames = fields.whole("NumberOfFrames") or 1
    if not 1 <= frames <= limits.frames:
        raise UnreadableError(f"NumberOfFrames is {frames}, expected {_range(1, limits.frames)}")
    return frames


def _photometric(fields: Fields, samples: int) -> str:
    photometric = fields.text("PhotometricInterpretation")
    known = (*GREY, PALETTE) if samples == 1 else COLOURS
    if photometric not in known:
        raise UnreadableError(
            f"{fields.said('PhotometricInterpretation')}, expected {_either(known)} "
            f"for {samples} sample{'s' if samples > 1 else ''} a pixel"
        )
    return photometric


def _planar(fields: Fields, samples: int) -> int:
    if samples == 1 or fields.whole("PlanarConfiguration") is None:
        return 0
    return _whole(fields, "PlanarConfiguration", (0, 1))


def _unused_low(fields: Fields, stored: int, allocated: int) -> int:
    """Return how many bits below the used ones there are; what they hold is no part of pixels."""
    high = fields.whole("HighBit")
    if high is None:
        return 0
    if not stored <= high + 1 <= allocated:
        raise UnreadableError(f"HighBit is {high}, expected {_range(stored - 1, allocated - 1)}")
    return high + 1 - stored


def _up_to(fields: Fields, keyword: str, most: int) -> int:
    value = _present(fields, keyword)
    if not 1 <= value <= most:
        raise UnreadableError(f"{keyword} is {value}, expected {_range(1, most)}")
    return value


def _whole(fields: Fields, keyword: str, allowed: tuple[int, ...]) -> int:
    value = _present(fields, keyword)
    if value not in allowed:
        raise UnreadableError(f"{keyword} is {value}, expected {_either(allowed)}")
    return value


def _present(fields: Fields, keyword: str) -> int:
    value = fields.whole(keyword)
    if value is None:
        raise UnreadableError(f"its header has no {keyword}")
    return value


def _range(least: int, greatest: int) -> str:
    return f"{least} to {greatest}" if least < greatest else str(least)


def _either(values: Sequence[object]) -> str:
    *others, last = map(str, values)
    return f"{', '.join(others)} or {last}"

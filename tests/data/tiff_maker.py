"""Writes TIFF files by hand, tag by tag, so that tests depend on no reader's own writer."""

import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

_KINDS = {"u": 1, "i": 2, "f": 3}
_SHORT, _LONG = 3, 4


def tiff(*pages: np.ndarray, order: str = "<", **settings: Any) -> bytes:
    """Return a TIFF file with a page of each array, (H, W) or (H, W, channels).

    Args:
        order: ``<`` or ``>``.
        settings: of every page, see `_page`.
    """
    content, links = bytearray((b"II*\0" if order == "<" else b"MM\0*") + bytes(4)), [4]
    for values in pages:
        strip = _page_bytes(values, order, settings)
        place = len(content)
        content += strip + bytes(len(strip) % 2)
        content[links[-1] : links[-1] + 4] = struct.pack(order + "L", len(content))
        tags = _tags(values, place, len(strip), settings)
        end = len(content) + 2 + 12 * len(tags)
        entries, extra = _entries(tags, order, end + 4)
        content += struct.pack(order + "H", len(tags)) + entries + bytes(4) + extra
        links.append(end)
    return bytes(content)


def _page_bytes(values: np.ndarray, order: str, settings: dict[str, Any]) -> bytes:
    if settings.get("bits") == 12:
        return _packed_12(values)
    stored = np.moveaxis(values, 2, 0) if settings.get("planar") else values
    plain = np.ascontiguousarray(stored).astype(values.dtype.newbyteorder(order)).tobytes()
    return zlib.compress(plain) if settings.get("deflate") else plain


def _packed_12(values: np.ndarray) -> bytes:
    pairs = values.reshape(-1, 2).astype(np.uint32)
    joined = (pairs[:, 0] << 12) | pairs[:, 1]
    return b"".join(int(number).to_bytes(3, "big") for number in joined)


def _tags(
    values: np.ndarray, place: int, size: int, settings: dict[str, Any]
) -> list[tuple[int, int, list[int]]]:
    """Return number, type and values of each tag (TIFF 6.0, section 8)."""
    height, width, *rest = values.shape
    samples = rest[0] if rest else 1
    bits = settings.get("bits", values.dtype.itemsize * 8)
    planar = bool(settings.get("planar"))
    step = size // samples
    places = [place + step * sample for sample in range(samples)] if planar else [place]
    tags = {
        256: (_LONG, [width]),
        257: (_LONG, [height]),
        258: (_SHORT, [bits] * samples),
        259: (_SHORT, [8 if settings.get("deflate") else 1]),
        262: (_SHORT, [settings.get("meaning", 2 if samples > 1 else 1)]),
        273: (_LONG, places),
        274: (_SHORT, [settings.get("orientation", 1)]),
        277: (_SHORT, [samples]),
        278: (_LONG, [height]),
        279: (_LONG, [step] * samples if planar else [size]),
        284: (_SHORT, [2 if planar else 1]),
        338: (_SHORT, settings.get("extra", [])),
        339: (_SHORT, [_KINDS[values.dtype.kind]] * samples),
    }
    return [(tag, kind, list(numbers)) for tag, (kind, numbers) in tags.items() if numbers]


def _entries(
    tags: Sequence[tuple[int, int, list[int]]], order: str, place: int
) -> tuple[bytes, bytes]:
    """Return the entries of a directory, and the values that don't fit into them."""
    entries, extra = b"", b""
    for tag, kind, numbers in tags:
        packed = struct.pack(order + ("H" if kind == _SHORT else "L") * len(numbers), *numbers)
        if len(packed) > 4:
            reference = struct.pack(order + "L", place + len(extra))
            extra += packed + bytes(len(packed) % 2)
            packed = reference
        entries += struct.pack(order + "HHL", tag, kind, len(numbers)) + packed.ljust(4, b"\0")
    return entries, extra

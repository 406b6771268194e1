"""How a file is spoilt: a few edits, drawn at random or by Hypothesis, and applied to its bytes."""

import random
import struct
from collections.abc import Sequence
from typing import NamedTuple

# What readers of lengths, counts and sizes stumble over.
NUMBERS = (0, 1, -1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)
WORDS = (
    b"\0", b"\xff\xff", b"-1", b"1A", b"99999999999999999999", b"1e999", b"nan", b"\n", b'"',
    b"../", b"=1+1", b"%s%n", b"\xf0\x9f\x98\x80", b"\x1b[2J", b"[[[[", b"\xfe\xff",
)  # fmt: skip
KINDS = ("flip", "set", "number", "word", "cut", "remove", "repeat", "move")


class Edit(NamedTuple):
    """One change of some bytes.

    Attributes:
        kind: one of `KINDS`.
        place: where, from 0 (the start) to 1 (the end); starts matter most, so it is squared.
        size: of the piece, in bytes.
        value: chooses the bit, byte, number or word.
    """

    kind: str
    place: float
    size: int
    value: int


def drawn(source: random.Random) -> list[Edit]:
    """Return one to four random edits."""
    return [
        Edit(
            source.choice(KINDS), source.random(), 2 ** source.randint(0, 8), source.getrandbits(32)
        )
        for _ in range(source.randint(1, 4))
    ]


def applied(content: bytes, edits: Sequence[Edit]) -> bytes:
    """Return a file's bytes with the edits made, one after the other."""
    for edit in edits:
        content = _applied(content, edit)
    return content


def _applied(content: bytes, edit: Edit) -> bytes:
    start = int(edit.place**2 * len(content))
    end = min(start + edit.size, len(content))
    if edit.kind == "cut":
        return content[:start]
    if edit.kind == "move":
        other = edit.value % (len(content) + 1)
        return content[:other] + content[start:end] + content[other:]
    new, end = _replacement(content[start:end], start, end, edit)
    return content[:start] + new + content[end:]


def _replacement(piece: bytes, start: int, end: int, edit: Edit) -> tuple[bytes, int]:
    """Return what stands in the place of a piece, and where the rest goes on."""
    match edit.kind:
        case "flip":
            return bytes(byte ^ 1 << edit.value % 8 for byte in piece[:1]), start + 1
        case "set":
            return bytes([edit.value % 256]) * len(piece), end
        case "number":
            packed = _packed(edit.value)
            return packed, start + len(packed)
        case "word":
            return WORDS[edit.value % len(WORDS)], start
        case "repeat":
            return piece * (1 + edit.value % 64), end
    return b"", end


def _packed(value: int) -> bytes:
    """Return one of the numbers, as 1 to 8 bytes of either order."""
    number = NUMBERS[value % len(NUMBERS)]
    size, order = "BHIQ"[value // 16 % 4], "<>"[value // 64 % 2]
    mask = 2 ** (8 * struct.calcsize(size)) - 1
    return struct.pack(order + size, number & mask)

"""A DICOM file, opened: how it is encoded, where its data set begins and where its pixels are."""

import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.filereader import read_dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, MediaStorageDirectoryStorage

from fastmed.data.pixels.dicom.limits import Limits
from fastmed.data.pixels.dicom.recognise import MARK, PREAMBLE, check_start
from fastmed.data.pixels.dicom.structure import PIXELS, Element, Source, find_pixels, too_long
from fastmed.data.pixels.remarks import remarks
from fastmed.data.pixels.scaling import UnreadableError

_META_GROUP = 0x0002
_CLASS, _SYNTAX = 0x00020002, 0x00020010
_LONGEST_UID = 64
_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+", re.ASCII)  # PS3.5, 9.1
_AT_ONCE = 2**14


class Container(NamedTuple):
    """A file of which nothing but the structure is known yet.

    Attributes:
        source: of the elements; the inflated one, where the file is deflated.
        start: byte at which the data set begins.
        implicit: whether its elements don't say their value representation.
        syntax: how the pixels are encoded.
        kind: what the file holds, such as CT Image Storage.
        pixels: the element that holds the pixels; None if there is none.
    """

    source: Source
    start: int
    implicit: bool
    syntax: UID
    kind: UID
    pixels: Element | None

    @property
    def compressed(self) -> bool:
        """Whether the pixels are compressed; unknown codings count as such."""
        return self.syntax.is_encapsulated if self.syntax.is_transfer_syntax else True

    def dataset(self, keywords: Sequence[str]) -> Dataset:
        """Return some fields, unparsed, of those that come before the pixels."""
        self.source.stream.seek(self.start)
        with remarks("ignore", UserWarning):
            return read_dataset(
                self.source.stream,
                self.implicit,
                self.source.little,
                stop_when=lambda tag, vr, length: tag in PIXELS,
                specific_tags=[tag_for_keyword(keyword) for keyword in keywords],
            )


@contextmanager
def open_container(path: Path, limits: Limits) -> Iterator[Container]:
    """Open a file within a ``with`` block, once its structure turned out to be sound.

    Raises:
        UnreadableError: it is not DICOM, is cut off, or announces more than the limits allow.
    """
    with path.open("rb") as file:
        check_start(file.read(512))
        size = path.stat().st_size
        uids, start = _meta(Source(file, size, little=True))
        syntax, kind = (UID(uids.get(tag, "")) for tag in (_SYNTAX, _CLASS))
        if kind == MediaStorageDirectoryStorage:
            raise UnreadableError("it is a DICOMDIR, a list of other files")
        if not syntax:
            raise UnreadableError("it doesn't say how it is encoded (no valid TransferSyntaxUID)")
        stream: BinaryIO = file
        if syntax == DeflatedExplicitVRLittleEndian:
            stream, start, size = _inflated(file, start, limits), 0, 0
            size = stream.seek(0, io.SEEK_END)
        little = syntax.is_little_endian if syntax.is_transfer_syntax else True
        source = Source(stream, size, bool(little))
        implicit = source.is_implicit(start)
        pixels = find_pixels(source, start, implicit, limits)
        yield Container(source, start, implicit, syntax, kind, pixels)


def _meta(source: Source) -> tuple[dict[int, str], int]:
    """Return the UIDs of the file meta information, and where it ends."""
    uids: dict[int, str] = {}
    place = PREAMBLE + len(MARK)
    while (element := source.element(place, implicit=False)) and element.tag >> 16 == _META_GROUP:
        place = element.start + element.length
        if place > source.size:
            raise UnreadableError(too_long(element, source.size))
        if element.tag in (_CLASS, _SYNTAX):
            source.stream.seek(element.start)
            value = source.stream.read(min(element.length, _LONGEST_UID))
            text = value.decode("latin-1").strip(" \0")
            uids[element.tag] = text if _UID.fullmatch(text) else ""
    return uids, place


def _inflated(file: BinaryIO, start: int, limits: Limits) -> BinaryIO:
    """Return a deflated data set (PS3.5, A.5), once its size is known to be within the limit."""
    for _ in _pieces(file, start, limits):
        pass
    stream = io.BytesIO()
    stream.writelines(_pieces(file, start, limits))
    return stream


def _pieces(file: BinaryIO, start: int, limits: Limits) -> Iterator[bytes]:
    """Yield a deflated data set piece by piece."""
    file.seek(start)
    engine, done, rest = zlib.decompressobj(-zlib.MAX_WBITS), 0, b""
    while not engine.eof:
        rest = rest or file.read(_AT_ONCE)
        if not rest:
            raise UnreadableError("its compressed data set is cut off")
        try:
            piece = engine.decompress(rest, _AT_ONCE)
        except zlib.error:
            raise UnreadableError("its compressed data set is broken") from None
        rest, done = engine.unconsumed_tail, done + len(piece)
        if done > limits.inflated:
            raise UnreadableError(
                f"its compressed data set grows to more than {limits.inflated / 1e6:g} MB"
            )
        yield piece

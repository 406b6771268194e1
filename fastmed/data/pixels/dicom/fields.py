"""The values of fields, read from their raw bytes: odd ones neither warn nor fail elsewhere."""

from struct import Struct

from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.sequence import Sequence

from fastmed.console import visible
from fastmed.data.pixels.remarks import remarks
from fastmed.data.pixels.scaling import UnreadableError

# Value representation -> how a number of it is unpacked. Those that leave the sign open are read
# without one.
_NUMBERS = {
    "OB": "B",
    "US": "H",
    "SS": "h",
    "OW": "H",
    "UL": "I",
    "SL": "i",
    "FL": "f",
    "FD": "d",
    "US or SS": "H",
    "US or OW": "H",
    "US or SS or OW": "H",
}
_SHOWN = 40  # letters of a text in a message


class Fields:
    """Fields of a data set, or of an item of a sequence, by keyword; each may be missing."""

    def __init__(self, dataset: Dataset) -> None:
        """Take the fields from a data set of unparsed elements."""
        self._dataset = dataset

    def __contains__(self, keyword: str) -> bool:
        return self._tag(keyword) in self._dataset

    def data(self, keyword: str) -> bytes:
        """Return a value as it is stored; empty if there is none."""
        raw = self._raw(keyword)
        return raw.value or b"" if raw else b""

    def text(self, keyword: str) -> str:
        """Return a text, the first of several; empty if there is none."""
        return self._texts(keyword)[0]

    def said(self, keyword: str) -> str:
        """Return a field and its text for a message, in one line that shows what doesn't print."""
        return f"{keyword} is '{visible(self.text(keyword)[:_SHOWN])}'"

    def numbers(self, keyword: str) -> list[float]:
        """Return numbers, stored in binary or as text; empty if there are none.

        Raises:
            UnreadableError: the text is not a number.
        """
        raw = self._raw(keyword)
        if raw is None or not raw.value:
            return []
        given = raw.VR if raw.VR not in (None, "UN") else dictionary_VR(raw.tag)
        if given in _NUMBERS:
            number = Struct(("<" if raw.is_little_endian else ">") + _NUMBERS[given])
            whole = raw.value[: len(raw.value) // number.size * number.size]
            return [float(value) for (value,) in number.iter_unpack(whole)]
        texts = [text for text in self._texts(keyword) if text]
        try:
            return [float(text) for text in texts]
        except ValueError:
            raise UnreadableError(f"{self.said(keyword)}, expected a number") from None

    def number(self, keyword: str) -> float | None:
        """Return a number, the first of several; None if there is none."""
        return next(iter(self.numbers(keyword)), None)

    def whole(self, keyword: str) -> int | None:
        """Return a whole number; None if there is none.

        Raises:
            UnreadableError: it is no whole number.
        """
        try:
            number = self.number(keyword)
            return None if number is None else int(str(number).removesuffix(".0"))
        except (UnreadableError, ValueError):
            raise UnreadableError(f"{self.said(keyword)}, expected a whole number") from None

    def items(self, keyword: str) -> list["Fields"]:
        """Return the items of a sequence; empty if there is none."""
        if keyword not in self:
            return []
        with remarks("ignore", UserWarning):
            value = self._dataset[self._tag(keyword)].value
        return [Fields(item) for item in value] if isinstance(value, Sequence) else []

    def _texts(self, keyword: str) -> list[str]:
        return [text.strip(" \0") for text in decoded(self.data(keyword)).split("\\")]

    def _raw(self, keyword: str) -> RawDataElement | None:
        element = self._dataset.get_item(self._tag(keyword)) if keyword in self else None
        return element if isinstance(element, RawDataElement) else None

    @staticmethod
    def _tag(keyword: str) -> int:
        tag = tag_for_keyword(keyword)
        if tag is None:
            raise ValueError(f"DICOM has no field '{keyword}'")
        return int(tag)


def decoded(value: bytes) -> str:
    """Return a text in the encoding that it seems to have, for fields that hold no names."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def macro(fields: Fields, frame: int, sequence: str) -> Fields:
    """Return where the fields of a functional group stand for a frame (PS3.3, C.7.6.16).

    In enhanced files that is the frame's own group or the one that all frames share, in others
    the data set itself.

    Raises:
        UnreadableError: the file has groups, but none for this frame.
    """
    own = fields.items("PerFrameFunctionalGroupsSequence")
    if own and frame >= len(own):
        raise UnreadableError(f"it describes {len(own)} of its frames, not frame {frame}")
    shared = fields.items("SharedFunctionalGroupsSequence")
    for groups in (own[frame : frame + 1], shared[:1]):
        for group in groups:
            if found := group.items(sequence):
                return found[0]
    return fields

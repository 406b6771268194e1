"""Values are read from raw bytes: odd ones neither warn nor stop what doesn't need them."""

import math
import struct
import warnings

import pytest
from made import dicom_sequence
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from fastmed.data.pixels.dicom.fields import Fields, macro
from fastmed.data.pixels.scaling import UnreadableError


def raw(keyword: str, vr: str | None, value: bytes | None, little: bool = True) -> Fields:
    tag = Tag(keyword)
    element = RawDataElement(tag, vr, len(value or b""), value, 0, vr is None, little)
    return Fields(Dataset({tag: element}))


@pytest.mark.parametrize("vr", ["DS", None, "UN"])
@pytest.mark.parametrize(
    "text, numbers",
    [
        (b"1.5", [1.5]),
        (b" -2e3\\4 ", [-2000, 4]),
        (b"7\0", [7]),
        (b"", []),
        (b"\\", []),
        (None, []),
    ],
)
def test_numbers_in_text(text: bytes | None, numbers: list[float], vr: str | None):
    assert raw("WindowCenter", vr, text).numbers("WindowCenter") == numbers


@pytest.mark.parametrize(
    "vr, form, number",
    [("US", "H", 65535), ("SS", "h", -2), ("UL", "I", 2**31), ("FD", "d", 0.25), (None, "H", 9)],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_in_binary(vr: str | None, form: str, number: float, order: str):
    fields = raw("PixelPaddingValue", vr, struct.pack(order + form, number), order == "<")
    assert fields.number("PixelPaddingValue") == number
    assert fields.numbers("PixelPaddingValue") == [number]


def test_numbers_that_are_none():
    with pytest.raises(UnreadableError, match="WindowWidth is '1,5', expected a number"):
        raw("WindowWidth", "DS", b"1,5").numbers("WindowWidth")
    with pytest.raises(UnreadableError, match="NumberOfFrames is '1A', expected a whole number"):
        raw("NumberOfFrames", "IS", b"1A").whole("NumberOfFrames")
    with pytest.raises(UnreadableError, match="NumberOfFrames is '1.5', expected a whole number"):
        raw("NumberOfFrames", "IS", b"1.5 ").whole("NumberOfFrames")


def test_missing_fields():
    fields = Fields(Dataset())
    assert "Rows" not in fields
    assert fields.number("Rows") is None
    assert fields.whole("Rows") is None
    assert fields.text("Modality") == ""
    assert fields.data("LUTData") == b""
    assert fields.items("VOILUTSequence") == []
    with pytest.raises(ValueError, match="no field 'Rowz'"):
        fields.text("Rowz")


@pytest.mark.parametrize(
    "value, text",
    [(b"CR ", "CR"), (b"A\\B", "A"), ("Körber".encode(), "Körber"), (b"K\xf6rber", "Körber")],
)
def test_texts(value: bytes, text: str):
    assert raw("Manufacturer", "LO", value).text("Manufacturer") == text


def test_odd_values_warn_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert raw("PatientAge", "AS", b"49").text("PatientAge") == "49"
        assert raw("RescaleSlope", "DS", b"1.00000000000000000001").number("RescaleSlope") == 1
        assert math.isnan(raw("RescaleSlope", "DS", b"nan").numbers("RescaleSlope")[0])


def enhanced(*frames: dict, shared: dict | None = None, **fields: object) -> Fields:
    dataset = Dataset()
    dataset.PerFrameFunctionalGroupsSequence = dicom_sequence(*frames)
    dataset.SharedFunctionalGroupsSequence = dicom_sequence(*([shared] if shared else []))
    for keyword, value in fields.items():
        setattr(dataset, keyword, value)
    return Fields(dataset)


def group(label: str) -> dict:
    return {"FrameVOILUTSequence": dicom_sequence({"LUTExplanation": label})}


def place(fields: Fields, frame: int) -> str:
    found = macro(fields, frame, "FrameVOILUTSequence")
    return found._dataset.get("LUTExplanation", "")


def test_groups_of_the_frame_come_before_shared_ones_and_these_before_the_file():
    both = enhanced(group("first"), group("second"), shared=group("shared"))
    assert [place(both, frame) for frame in (0, 1)] == ["first", "second"]
    assert place(enhanced({}, shared=group("shared"), LUTExplanation="file"), 0) == "shared"
    assert place(enhanced({}, LUTExplanation="file"), 0) == "file"
    assert place(enhanced(LUTExplanation="file"), 5) == "file"


def test_a_frame_without_a_group_of_its_own():
    with pytest.raises(UnreadableError, match="it describes 2 of its frames, not frame 2"):
        macro(enhanced({}, {}), 2, "FrameVOILUTSequence")


def test_messages_show_a_line_of_what_does_not_print():
    fields = raw("NumberOfFrames", "IS", b"1\x1b[31m\n" + b"A" * 200)
    with pytest.raises(UnreadableError) as caught:
        fields.whole("NumberOfFrames")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 100

"""Every coding gives the pixels that were stored, by a decoder that is named."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_dicom import compressed, jpeg
from made import write_dicom, write_pieces
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from fastmed.data.pixels.dicom import decode
from fastmed.data.pixels.dicom.read import see_frame
from fastmed.data.pixels.image import open_image
from fastmed.errors import DataError
from fastmed.settings.image import ImageSettings

RANDOM = np.random.default_rng(7)
KINDS = {
    "8 bits": RANDOM.integers(0, 256, (33, 40), dtype=np.uint8),
    "16 bits": RANDOM.integers(0, 65536, (33, 40), dtype=np.uint16),
    "signed": RANDOM.integers(-(2**15), 2**15, (33, 40), dtype=np.int16),
    "colours": RANDOM.integers(0, 256, (33, 40, 3), dtype=np.uint8),
}
DECODERS = {
    ExplicitVRLittleEndian: "pydicom",
    ImplicitVRLittleEndian: "pydicom",
    ExplicitVRBigEndian: "pydicom",
    RLELossless: "pylibjpeg",
    JPEG2000Lossless: "pylibjpeg",
    JPEGLSLossless: "pyjpegls",
}
LAST = ImageSettings(frame="last")


def stored(path: Path, **settings: Any) -> np.ndarray:
    return see_frame(path, ImageSettings(**settings)).frame.values


@pytest.mark.parametrize("syntax", DECODERS)
@pytest.mark.parametrize("kind", KINDS)
def test_lossless_codings_give_back_what_was_stored(kind: str, syntax: str, tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", KINDS[kind], syntax)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(stored(path), KINDS[kind])
        assert open_image(path).decoder == DECODERS[syntax]


@pytest.mark.parametrize("side", [7, 8])
def test_8_bits_in_words_of_the_other_byte_order(side: int, tmp_path: Path):
    """Bytes that were written as words stand in pairs (PS3.5, 8.1)."""
    values = RANDOM.integers(0, 256, (side, 5), dtype=np.uint8)
    content = values.tobytes() + b"\0" * (values.size % 2)
    swapped = np.frombuffer(content, ">u2").astype("<u2").tobytes()
    path = write_dicom(tmp_path / "a.dcm", values, ExplicitVRBigEndian, PixelData=swapped)
    path.write_bytes(path.read_bytes().replace(b"\x7f\xe0\0\x10OB", b"\x7f\xe0\0\x10OW"))
    np.testing.assert_array_equal(stored(path), values)


def test_jpeg_is_what_pillow_makes_of_it(tmp_path: Path):
    values = np.add.outer(np.arange(40), 3 * np.arange(48)).astype(np.uint8)
    path = write_pieces(tmp_path / "a.dcm", values, JPEGBaseline8Bit, [jpeg(values)])
    (tmp_path / "a.jpg").write_bytes(jpeg(values))
    with Image.open(tmp_path / "a.jpg") as picture:
        np.testing.assert_array_equal(stored(path), np.asarray(picture))
    assert open_image(path).decoder == "pillow"


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL_422", "YBR_FULL"])
def test_colours_of_jpeg_are_those_it_names_itself(photometric: str, tmp_path: Path):
    """JFIF is always YBR, whatever the header says; and pydicom's warning of it is not shown."""
    values = np.zeros((16, 16, 3), np.uint8) + np.array([200, 60, 20], np.uint8)
    path = write_pieces(
        tmp_path / "a.dcm", values, JPEGBaseline8Bit, [jpeg(values)],
        PhotometricInterpretation=photometric,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.abs(open_image(path).pixels.astype(int) - [200, 60, 20]).max() <= 3


def test_frames_of_compressed_files(tmp_path: Path):
    frames = RANDOM.integers(0, 256, (3, 33, 40), dtype=np.uint8)
    pieces = [compressed(JPEG2000Lossless, frame) for frame in frames]
    path = write_pieces(tmp_path / "a.dcm", frames[0], JPEG2000Lossless, pieces, NumberOfFrames=3)
    for rule, number in {"first": 0, "middle": 1, "last": 2, 1: 1}.items():
        np.testing.assert_array_equal(stored(path, frame=rule), frames[number])


def test_a_frame_in_several_pieces(tmp_path: Path):
    values = KINDS["8 bits"]
    whole = compressed(JPEGLSLossless, values)
    path = write_pieces(tmp_path / "a.dcm", values, JPEGLSLossless, [whole[:100], whole[100:]])
    np.testing.assert_array_equal(stored(path), values)


def test_bits_around_the_stored_ones_are_no_pixels(tmp_path: Path):
    """Old files keep overlays in unused bits, above or below the pixels."""
    values = RANDOM.integers(0, 4096, (6, 5), dtype=np.uint16)
    above = values | np.uint16(0x5000)
    path = write_dicom(tmp_path / "above.dcm", above, BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(stored(path), values)
    below = values * np.uint16(16) + np.uint16(5)
    path = write_dicom(tmp_path / "below.dcm", below, BitsStored=12, HighBit=15)
    np.testing.assert_array_equal(stored(path), values)


def test_signed_values_of_fewer_bits(tmp_path: Path):
    values = np.array([[-2048, -1], [0, 2047]], np.int16)
    path = write_dicom(tmp_path / "a.dcm", values & 0x0FFF, BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(stored(path), values)


def test_single_bits(tmp_path: Path):
    path = write_dicom(
        tmp_path / "a.dcm", np.zeros((3, 3), np.uint8), BitsAllocated=1, BitsStored=1, HighBit=0,
        PixelData=b"\x55\x01", NumberOfFrames=1,
    )  # fmt: skip
    np.testing.assert_array_equal(stored(path), [[1, 0, 1], [0, 1, 0], [1, 0, 1]])
    assert open_image(path).scaling == "1 bit"


def lossless_jpeg() -> Path:
    """Return a file that comes with pydicom: JPEG lossless, RGB 100 x 100."""
    return Path(get_testdata_file("SC_rgb_jpeg_gdcm.dcm", download=False))


def test_jpeg_lossless_with_the_extra():
    pytest.importorskip("gdcm")
    reference = stored(Path(get_testdata_file("SC_rgb_rle.dcm", download=False)))
    np.testing.assert_array_equal(stored(lossless_jpeg()), reference)
    assert open_image(lossless_jpeg()).decoder == "gdcm"


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, HTJ2KLossless, JPEGLSLossless])
def test_a_missing_decoder_is_named_with_its_extra(
    syntax: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(decode, "installed", lambda decoder: ())
    path = write_pieces(tmp_path / "a.dcm", KINDS["8 bits"], syntax, [b"\0\0"])
    with pytest.raises(DataError) as caught:
        open_image(path)
    assert 'needs a decoder that is not installed; try `pip install "fastmed[gdcm]"`' in str(
        caught.value
    )


def test_12_bit_jpeg_names_the_only_decoder(tmp_path: Path):
    """Those that read 8 bits are not asked, and what they would say is not shown."""
    path = write_pieces(
        tmp_path / "a.dcm", KINDS["16 bits"], JPEGExtended12Bit, [b"\0\0"],
        BitsStored=12, HighBit=11,
    )  # fmt: skip
    with pytest.raises(DataError, match="pip install pylibjpeg-libjpeg"):
        open_image(path)


def test_only_one_decoder_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A second one might return what the first found to be broken."""
    asked = []
    real = decode.Decoder.as_array

    def as_array(self: Any, *arguments: Any, decoding_plugin: str = "", **options: Any) -> Any:
        asked.append(decoding_plugin)
        return real(self, *arguments, decoding_plugin=decoding_plugin, **options)

    monkeypatch.setattr(decode.Decoder, "as_array", as_array)
    broken = bytearray(compressed(JPEG2000Lossless, KINDS["8 bits"]))
    broken[broken.index(b"\xff\x52") + 9] = 99  # levels of the wavelets
    path = write_pieces(tmp_path / "a.dcm", KINDS["8 bits"], JPEG2000Lossless, [bytes(broken)])
    with pytest.raises(DataError, match="its JPEG 2000 .* can't be decoded"):
        open_image(path)
    assert asked == ["pylibjpeg"]


def test_a_decoder_that_panics_is_a_bad_file(tmp_path: Path):
    """Of 16 bits, a run across the end of a segment is too much for the decoder of RLE."""
    values = KINDS["16 bits"][:2, :4]
    segments = [bytes([249, 1]), bytes([247, 1])]  # 8 and 10 times the value 1
    header = np.array([2, 64, 66, *[0] * 13], "<u4").tobytes()
    path = write_pieces(tmp_path / "a.dcm", values, RLELossless, [header + b"".join(segments)])
    with pytest.raises(DataError, match="its RLE Lossless pixels can't be decoded"):
        open_image(path)

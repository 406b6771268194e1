"""Frames are found among the pieces, with and without a table of frames."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hostile_dicom import compressed
from made import write_pieces
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import JPEG2000Lossless

from fastmed.data.pixels.dicom.read import read_dicom, see_frame
from fastmed.errors import DataError
from fastmed.settings.image import ImageSettings

FRAMES = np.random.default_rng(2).integers(0, 256, (4, 33, 40), dtype=np.uint8)
CODED = [compressed(JPEG2000Lossless, frame) for frame in FRAMES]


def write(path: Path, content: bytes, frames: int = 4, **fields: object) -> Path:
    return write_pieces(
        path, FRAMES[0], JPEG2000Lossless, [b"\0\0"],
        PixelData=content, NumberOfFrames=frames, **fields,
    )  # fmt: skip


def frame(path: Path, number: int) -> np.ndarray:
    return see_frame(path, ImageSettings(frame=number)).frame.values


def in_halves(pieces: list[bytes]) -> list[bytes]:
    return [half for piece in pieces for half in (piece[:150], piece[150:])]


@pytest.mark.parametrize(
    "content",
    [
        encapsulate(CODED, has_bot=False),
        encapsulate(CODED, has_bot=True),
        encapsulate(CODED, has_bot=True, fragments_per_frame=2),
        encapsulate(in_halves(CODED), has_bot=False),
    ],
    ids=["no table", "table", "table, two pieces a frame", "two pieces a frame"],
)
def test_every_frame_is_found(content: bytes, tmp_path: Path):
    path = write(tmp_path / "a.dcm", content)
    for number in range(4):
        np.testing.assert_array_equal(frame(path, number), FRAMES[number])


def test_an_extended_table_of_frames(tmp_path: Path):
    content, offsets, lengths = encapsulate_extended(CODED)
    tables = {"ExtendedOffsetTable": offsets, "ExtendedOffsetTableLengths": lengths}
    path = write(tmp_path / "a.dcm", content, **tables)
    np.testing.assert_array_equal(frame(path, 2), FRAMES[2])


@pytest.mark.parametrize("offset", [2**31, 2**32 - 8])
def test_a_table_that_leads_out_of_the_file(offset: int, tmp_path: Path):
    good = encapsulate(CODED, has_bot=True)
    bad = good[:12] + struct.pack("<I", offset) + good[16:]
    with pytest.raises(DataError, match=r"a\.dcm: "):
        read_dicom(write(tmp_path / "a.dcm", bad), ImageSettings(frame=1))


def test_an_extended_table_that_leads_out_of_the_file(tmp_path: Path):
    content, offsets, lengths = encapsulate_extended(CODED)
    tables = {"ExtendedOffsetTable": offsets, "ExtendedOffsetTableLengths": b"\xff" * len(lengths)}
    with pytest.raises(DataError, match=r"a\.dcm: "):
        read_dicom(write(tmp_path / "a.dcm", content, **tables), ImageSettings(frame=1))


def test_fewer_pieces_than_frames(tmp_path: Path):
    path = write(tmp_path / "a.dcm", encapsulate(CODED[:2], has_bot=False), frames=3)
    with pytest.raises(DataError, match="it announces 3 frames, but holds 2"):
        read_dicom(path, ImageSettings())


def test_pieces_without_an_end(tmp_path: Path):
    path = write(tmp_path / "a.dcm", encapsulate(CODED, has_bot=False))
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DataError, match="it is cut off: its compressed pixels have no end"):
        read_dicom(path, ImageSettings())

"""A file is read as a whole: which frame, by which decoder, and what goes wrong is one sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import write_dicom

from fastmed.data.pixels.dicom import read as reading
from fastmed.data.pixels.dicom import read_dicom
from fastmed.data.pixels.image import open_image
from fastmed.errors import DataError
from fastmed.settings.image import ImageSettings

FRAMES = np.random.default_rng(0).integers(0, 256, (4, 6, 5), dtype=np.uint8)
ONE_OF_SEVERAL = "of several frames only the first is read (image.frame)"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_dicom(tmp_path / "a.dcm", FRAMES[0], NumberOfFrames=4, PixelData=FRAMES.tobytes())


@pytest.mark.parametrize("rule, number", [("first", 0), ("middle", 2), ("last", 3), (0, 0), (1, 1)])
def test_the_frame_that_the_task_wants(film: Path, rule: Any, number: int):
    opened = open_image(film, ImageSettings(frame=rule))
    np.testing.assert_array_equal(opened.pixels, FRAMES[number])
    assert opened.remark == (ONE_OF_SEVERAL if rule == "first" else "")


def test_a_frame_that_there_is_not(film: Path):
    with pytest.raises(DataError, match=r"a\.dcm: image.frame = 4, but it has 4 frames"):
        open_image(film, ImageSettings(frame=4))


def test_one_frame_needs_no_remark(tmp_path: Path):
    opened = open_image(write_dicom(tmp_path / "a.dcm", FRAMES[0]))
    assert opened[1:] == ("pydicom", "8 bits", "")


@pytest.mark.parametrize(
    "error, sentence",
    [
        (KeyError("of a library\nand more"), "its header can't be read ('of a library"),
        (RecursionError("too deep."), "its header can't be read (too deep)"),
        (ValueError(), "its header can't be read (ValueError)"),
    ],
)
def test_errors_of_libraries_become_one_sentence(
    film: Path, error: Exception, sentence: str, monkeypatch: pytest.MonkeyPatch
):
    def fail(*arguments: Any) -> None:
        raise error

    monkeypatch.setattr(reading, "decode_frame", fail)
    with pytest.raises(DataError) as caught:
        read_dicom(film, ImageSettings())
    assert str(caught.value).startswith(f"{film}: {sentence}")
    assert "\n" not in str(caught.value)


def test_memory_and_disks_are_told_by_those_who_know(
    film: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def fail(*arguments: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(reading, "decode_frame", fail)
    with pytest.raises(MemoryError):
        read_dicom(film, ImageSettings())
    with pytest.raises(FileNotFoundError):
        read_dicom(tmp_path / "none.dcm", ImageSettings())

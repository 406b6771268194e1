"""Values of interest: windows of the standard, of the task, tables, and what is done without."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import dicom_sequence, write_dicom
from pydantic import ValidationError
from pydicom import dcmread
from pydicom.pixels import apply_voi, apply_windowing

from fastmed.data.pixels.dicom import read_dicom
from fastmed.data.pixels.dicom.voi import WINDOWS
from fastmed.errors import DataError
from fastmed.settings.image import ImageSettings, Window

BYTES = np.array([[0, 100], [200, 255]], dtype=np.uint8)
WORDS = np.random.default_rng(4).integers(0, 4096, (30, 40), dtype=np.uint16)


def see(path: Path, **settings: Any) -> np.ndarray:
    return read_dicom(path, ImageSettings(**settings)).pixels


def how(path: Path, **settings: Any) -> str:
    return read_dicom(path, ImageSettings(**settings)).scaling


@pytest.mark.parametrize(
    "function, expected",
    [
        ("LINEAR", [0.0, (90 - 99.5) / 49 + 0.5, (110 - 99.5) / 49 + 0.5, 1.0]),
        ("LINEAR_EXACT", [0.0, 0.3, 0.7, 1.0]),
        ("SIGMOID", [1 / (1 + math.exp(-4 * (x - 100) / 50)) for x in (50, 90, 110, 150)]),
        ("", [0.0, (90 - 99.5) / 49 + 0.5, (110 - 99.5) / 49 + 0.5, 1.0]),
    ],
)
def test_functions_counted_by_hand(function: str, expected: list[float], tmp_path: Path):
    values = np.array([[50, 90, 110, 150]], dtype=np.uint8)
    window = {"WindowCenter": 100, "WindowWidth": 50}
    path = write_dicom(tmp_path / "a.dcm", values, VOILUTFunction=function, **window)
    np.testing.assert_allclose(see(path)[0] / 255, expected, atol=0.5 / 255)
    path = write_dicom(tmp_path / "b.dcm", values)
    of_task = Window(center=100, width=50, function=function.lower() or "linear")
    np.testing.assert_allclose(see(path, window=of_task)[0] / 255, expected, atol=0.5 / 255)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("center, width", [(2047.5, 4096), (1000, 10), (1200.25, 7.5), (-300, 900)])
def test_functions_as_pydicom_has_them(function: str, center: float, width: float, tmp_path: Path):
    path = write_dicom(
        tmp_path / "a.dcm", WORDS, BitsStored=12, HighBit=11,
        WindowCenter=center, WindowWidth=width, VOILUTFunction=function,
    )  # fmt: skip
    expected = apply_windowing(WORDS, dcmread(path)) / 4095
    np.testing.assert_allclose(see(path) / 255, expected, atol=0.51 / 255)


def test_a_window_of_width_one_is_a_step(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", BYTES, WindowCenter=150, WindowWidth=1)
    np.testing.assert_array_equal(see(path), [[0, 0], [255, 255]])


def test_first_of_several_windows(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", BYTES, WindowCenter=[150, 20], WindowWidth=[1, 30])
    np.testing.assert_array_equal(see(path), [[0, 0], [255, 255]])
    assert how(path) == "window of the file"


@pytest.mark.parametrize("center, width", [("", ""), (50, 0), (50, -3), (None, 20)])
def test_useless_windows_are_none(center: object, width: object, tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", BYTES, WindowCenter=center, WindowWidth=width)
    np.testing.assert_array_equal(see(path), BYTES)
    assert how(path) == "8 bits"


def test_a_table_comes_before_the_window(tmp_path: Path):
    table = {"LUTDescriptor": [4, 0, 8], "LUTData": bytes([255, 10, 20, 30])}
    values = np.array([[0, 1], [2, 9]], dtype=np.uint8)
    path = write_dicom(
        tmp_path / "a.dcm", values, VOILUTSequence=dicom_sequence(table),
        WindowCenter=1, WindowWidth=1,
    )  # fmt: skip
    np.testing.assert_array_equal(see(path), [[255, 10], [20, 30]])
    assert how(path) == "table of the file"


def test_a_table_as_pydicom_reads_it(tmp_path: Path):
    entries = np.sort(np.random.default_rng(0).integers(0, 4096, 3000))
    table = {"LUTDescriptor": [3000, 500, 12], "LUTData": entries.astype("<u2").tobytes()}
    path = write_dicom(tmp_path / "a.dcm", WORDS, VOILUTSequence=dicom_sequence(table))
    expected = apply_voi(WORDS, dcmread(path)) / 4095
    np.testing.assert_allclose(see(path) / 255, expected, atol=0.51 / 255)


def test_a_table_of_8_bits_for_more_than_256_values(tmp_path: Path):
    """pydicom counts values modulo 256 there."""
    table = {"LUTDescriptor": [512, 0, 8], "LUTData": bytes(256) + bytes(range(256))}
    values = np.array([[100, 255], [256, 511]], np.uint16)
    path = write_dicom(tmp_path / "a.dcm", values, VOILUTSequence=dicom_sequence(table))
    np.testing.assert_array_equal(see(path), [[0, 0], [0, 255]])


def test_a_table_of_values_below_zero(tmp_path: Path):
    table = {"LUTDescriptor": [3, -2, 8], "LUTData": bytes([0, 100, 200, 0])}
    values = np.array([[-3, -2], [-1, 0]], np.int16)
    path = write_dicom(tmp_path / "a.dcm", values, VOILUTSequence=dicom_sequence(table))
    np.testing.assert_array_equal(see(path), [[0, 0], [100, 200]])


# Windows of the task


def hounsfield(path: Path, **fields: Any) -> Path:
    """Write a CT of -1000, -600, 40 and 2000 Hounsfield units."""
    values = np.array([[24, 424], [1064, 3024]], dtype=np.uint16)
    return write_dicom(
        path, values,
        **{"RescaleSlope": 1, "RescaleIntercept": -1024, "Modality": "CT", **fields},
    )  # fmt: skip


@pytest.mark.parametrize(
    "name, expected",
    [
        ("lung", [[60, 128], [236, 255]]),  # -600 HU in the middle of 1500
        ("brain", [[0, 0], [129, 255]]),  # 40 HU in the middle of 80
        ("bone", [[0, 0], [77, 255]]),
    ],
)
def test_named_windows_are_of_hounsfield_units(name: str, expected: list, tmp_path: Path):
    path = hounsfield(tmp_path / "a.dcm", WindowCenter=0, WindowWidth=1)
    np.testing.assert_array_equal(see(path, window=name), expected)
    assert how(path, window=name) == "window of the task"


def test_named_windows_have_what_their_organs_need():
    """Typical values in Hounsfield units: air, fat, water, blood, cortical bone."""
    for name, (seen, unseen) in {
        "lung": ([-900, -500, 0], [400, 2000]),
        "mediastinum": ([-100, 0, 50, 200], [-800, 1500]),
        "soft_tissue": ([-100, 0, 50, 200], [-800, 1500]),
        "liver": ([0, 60, 100], [-800, -100, 400]),
        "bone": ([100, 1000, 1290], [-800, 1500]),
        "brain": ([5, 25, 40, 75], [-100, 400]),
    }.items():
        window = WINDOWS[name]
        low, high = window.center - window.width / 2, window.center + window.width / 2
        assert all(low <= value <= high for value in seen), name
        assert not any(low < value < high for value in unseen), name


def test_every_name_has_a_window():
    field = ImageSettings.model_fields["window"].annotation
    assert set(WINDOWS) == set(field.__args__[0].__args__)


def test_the_window_of_the_task_comes_before_all_of_the_file(tmp_path: Path):
    table = {"LUTDescriptor": [4, 0, 8], "LUTData": bytes(4)}
    path = hounsfield(tmp_path / "a.dcm", VOILUTSequence=dicom_sequence(table))
    window = {"center": 0, "width": 1, "function": "linear"}
    np.testing.assert_array_equal(see(path, window=window), [[0, 0], [255, 255]])


def test_named_windows_are_refused_where_there_are_no_hounsfield_units(tmp_path: Path):
    path = hounsfield(tmp_path / "a.dcm", Modality="CR")
    with pytest.raises(DataError, match="image.window = 'lung' is for CT, but Modality is 'CR'"):
        see(path, window="lung")
    assert see(path, window={"center": 0, "width": 500}).shape == (2, 2)
    assert see(hounsfield(tmp_path / "b.dcm", Modality=None), window="lung").shape == (2, 2)


# Without a window


def test_more_than_8_bits_without_a_window_are_scaled_by_percentiles(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", WORDS)
    low, high = np.percentile(WORDS, (0.5, 99.5))
    expected = ((WORDS - low) / (high - low)).clip(0, 1) * 255 + 0.5
    np.testing.assert_array_equal(see(path), expected.astype(np.uint8))
    np.testing.assert_array_equal(see(path, scale="percentiles"), see(path))
    assert how(path) == "percentiles 0.5 to 99.5"
    assert how(path, percentiles=(10, 80)) == "percentiles 10 to 80"
    low, high = np.percentile(WORDS, (10, 80))
    expected = ((WORDS - low) / (high - low)).clip(0, 1) * 255 + 0.5
    np.testing.assert_array_equal(see(path, percentiles=(10, 80)), expected.astype(np.uint8))


def test_or_by_the_range_of_the_stored_bits(tmp_path: Path):
    values = np.array([[0, 1000], [2000, 4095]], dtype=np.uint16)
    path = write_dicom(tmp_path / "a.dcm", values, BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(see(path, scale="declared"), [[0, 62], [125, 255]])
    assert how(path, scale="declared") == "12 bits"
    values = np.array([[-32768, 0], [1, 32767]], dtype=np.int16)
    path = write_dicom(tmp_path / "b.dcm", values)
    np.testing.assert_array_equal(see(path, scale="declared"), [[0, 128], [128, 255]])


@pytest.mark.parametrize("scale", ["auto", "declared", "percentiles"])
def test_8_bits_are_shown_as_they_are(scale: str, tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", BYTES, RescaleSlope=2.5, RescaleIntercept=-7)
    np.testing.assert_array_equal(see(path, scale=scale), BYTES)
    assert how(path, scale=scale) == "8 bits"


def test_a_window_makes_percentiles_needless(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", WORDS, WindowCenter=2048, WindowWidth=4096)
    assert how(path, scale="percentiles") == "window of the file"


def test_percentiles_that_fall_together_give_way_to_the_extremes(tmp_path: Path):
    values = np.zeros((100, 100), np.uint16)
    values[0, :3] = [500, 750, 1000]
    path = write_dicom(tmp_path / "a.dcm", values)
    np.testing.assert_array_equal(see(path)[0, :4], [128, 191, 255, 0])


def test_an_image_of_one_value_is_black(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", np.full((4, 4), 777, np.uint16))
    assert not see(path).any()


def test_the_window_in_the_groups_of_each_frame(tmp_path: Path):
    values = np.array([[824, 1064]], dtype=np.uint16)
    shared = {"PixelValueTransformationSequence": dicom_sequence(
        {"RescaleSlope": 1, "RescaleIntercept": -1024})}  # fmt: skip
    windows = [{"WindowCenter": 40, "WindowWidth": 401}, {"WindowCenter": -200, "WindowWidth": 1}]
    groups = [{"FrameVOILUTSequence": dicom_sequence(window)} for window in windows]
    path = write_dicom(
        tmp_path / "a.dcm", values, NumberOfFrames=2, PixelData=values.tobytes() * 2,
        SharedFunctionalGroupsSequence=dicom_sequence(shared),
        PerFrameFunctionalGroupsSequence=dicom_sequence(*groups),
    )  # fmt: skip
    np.testing.assert_array_equal(see(path), [[0, 128]])
    np.testing.assert_array_equal(see(path, frame=1), [[255, 255]])


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": {"center": "nan", "width": 1}},
        {"window": {"center": 0, "width": "inf"}},
        {"window": {"center": 0, "width": 0}},
        {"window": "lungs"},
        {"percentiles": ["nan", 50]},
        {"percentiles": [50, 50]},
        {"percentiles": [-1, 50]},
        {"frame": -1},
        {"frame": "second"},
    ],
)
def test_settings_that_can_not_be(wrong: dict):
    with pytest.raises(ValidationError):
        ImageSettings.model_validate(wrong)

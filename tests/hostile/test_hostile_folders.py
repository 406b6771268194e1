"""No pipe or device of a data folder is opened, no circle walked; odd names are just names."""

import os
from pathlib import Path

import pytest
from conftest import tiny_task
from hostile_folders import CASES, ODD, ODD_NAMES, REFUSED
from hostile_tables import IMAGE, write_image

from fastmed.data.inputs import read_input
from fastmed.data.items import read_items
from fastmed.errors import DataError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="such names need POSIX")


@pytest.mark.parametrize("name", CASES)
def test_what_is_no_file_is_passed_by_and_counted(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = CASES[name](tmp_path)
    items = read_input(tiny_task("lungs"), folder)
    assert items["image"].tolist() == [IMAGE]
    odd = {"pipe": 1, "devices behind links": 3, "links in a circle": 2, "link to nothing": 1}
    if name in odd:
        assert f"{odd[name]} names in {folder} are passed by" in caplog.text


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_read_is_refused(name: str, tmp_path: Path) -> None:
    path = REFUSED[name](tmp_path)
    with pytest.raises(DataError) as caught:
        read_input(tiny_task("lungs"), path)
    assert path.name in str(caught.value) or "not UTF-8" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_class_folders_pass_by_what_is_no_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for seed in range(8):
        place = tmp_path / ("true" if seed % 2 else "false")
        place.mkdir(exist_ok=True)
        write_image(place / f"{seed}.png", seed)
    os.mkfifo(tmp_path / "true" / "pipe.png")
    task = tiny_task("cardiomegaly", image__fit="letterbox")
    items = read_items(task, tmp_path, cache=False)
    assert len(items) == 8
    assert "1 names in" in caplog.text
    assert "'true/pipe.png'" in caplog.text


def test_links_to_files_and_class_folders_elsewhere_are_followed(tmp_path: Path) -> None:
    """Data are often linked together from several disks."""
    write_image(tmp_path / "elsewhere.png")
    for place in ("data", "data/true", "linked"):
        (tmp_path / place).mkdir()
    (tmp_path / "data" / "true" / "a.png").symlink_to(tmp_path / "elsewhere.png")
    write_image(tmp_path / "linked" / "b.png")
    (tmp_path / "data" / "false").symlink_to(tmp_path / "linked")
    (tmp_path / "data" / "circle").symlink_to("circle")
    items = read_input(tiny_task("cardiomegaly"), tmp_path / "data")
    assert items["image"].tolist() == ["false/b.png", "true/a.png"]
    assert items["target"].tolist() == ["false", "true"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_names(name: str, tmp_path: Path) -> None:
    items = read_input(tiny_task("lungs"), ODD[name](tmp_path))
    assert items["item"].tolist() == [ODD_NAMES[name]]

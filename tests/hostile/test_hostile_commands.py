"""Some hostile inputs through whole commands; `python benchmarks/hostile.py` runs them all."""

import shutil
from collections.abc import Callable
from pathlib import Path

import hostile_archives
import hostile_dicom
import hostile_pictures
import pytest
from hostile_tables import write_image

from fastmed.run import Run

IMAGES = {
    name: make
    for module in (hostile_dicom, hostile_pictures)
    for name, make in module.CASES.items()
    if not name.endswith(".npz")
}
SOME_IMAGES = [*IMAGES][::12]
SOME_ARCHIVES = [name for name in hostile_archives.CASES if "000" not in name][::12]


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def refuse(command: Callable, place: Path, *words: object) -> str:
    """Assert that a command refuses in one line and writes nothing; return the line."""
    before = tree(place)
    said = command("-q", *words)
    assert said.code == 1, said.err
    assert said.out == ""
    assert said.err.startswith("Error: ")
    assert said.err.count("\n") == 1, said.err
    assert said.err.rstrip("\n").isprintable()
    assert tree(place) == before
    return said.err


@pytest.mark.parametrize("name", SOME_IMAGES)
def test_images(
    name: str, command: Callable, trained: dict[str, Run], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    path = IMAGES[name](tmp_path)
    run = trained["lungs"].path
    words = ("predict", path, "--run", run, "--device", "cpu", "--out", "p.csv")
    assert path.name in refuse(command, tmp_path, *words)


@pytest.mark.parametrize("name", SOME_ARCHIVES)
def test_archives(
    name: str, command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = hostile_archives.CASES[name](tmp_path)
    words = ("fetch", "cardiomegaly", "--data", "data", "--archive", f"main={path}")
    assert str(path) in refuse(command, tmp_path, *words)


def test_bad_images_are_left_out_and_counted(
    command: Callable, trained: dict[str, Run], tmp_path: Path
) -> None:
    """Each in a folder of its own, since many are named alike."""
    for number, name in enumerate(SOME_IMAGES):
        (tmp_path / "images" / str(number)).mkdir(parents=True)
        path = IMAGES[name](tmp_path / "images" / str(number))
        if path.suffix not in (".dcm", ".png", ".jpg", ".tif"):
            shutil.move(path, path.with_suffix(".png"))
    write_image(tmp_path / "images" / "good.png")
    said = command(
        "predict", tmp_path / "images", "--run", trained["lungs"].path, "--device", "cpu",
        "--skip-bad", "--out", tmp_path / "p.csv",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert f"{len(SOME_IMAGES)} images that can't be read are left out" in said.err
    assert "Traceback" not in said.err
    assert (tmp_path / "p.csv").read_text().count("\n") == 2

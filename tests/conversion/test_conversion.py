"""Phantom data converted and read again: same parts, same patients, same network input."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import TASKS, tiny_task
from PIL import Image
from pydicom import dcmread

from fastmed.conversion import Converted, Way, convert
from fastmed.data.items import read_items
from fastmed.data.operations.transform import prepare
from fastmed.data.pixels.image import open_item
from fastmed.errors import DataError, RunError, TaskError
from fastmed.run import Run
from fastmed.task import Task
from fastmed.taskfile import find_task

# Settings that the conversion has done for good, so that the task that reads it must not.
PREPARED = {"image.size": 24, "image.fit": "crop", "image.operations": ["invert", "contrast=1.5"]}


def task_of(name: str, **changes: object) -> Task:
    return tiny_task(name, **changes).with_changes(PREPARED)


@pytest.fixture(scope="module")
def done(phantoms: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each phantom data set, converted."""
    root = tmp_path_factory.mktemp("converted")
    return {
        name: convert(task_of(name), phantoms[name], root / name, cache=False).folder
        for name in TASKS
    }


def read_again(folder: Path, name: str) -> tuple[Task, pd.DataFrame]:
    task = find_task(name, folder / "tasks.toml")
    return task, read_items(task, folder, cache=False)


def originals(folder: Path) -> dict[str, str]:
    """Return the name that each converted image has in the source."""
    tables = [pd.read_csv(file, dtype=str) for file in sorted(folder.glob("*.csv"))]
    table = pd.concat(tables)
    return dict(zip(table["image"], table["original"], strict=True))


def pixels_of(root: Path, row: object, task: Task) -> np.ndarray:
    opened = open_item(root, row.image, row.array, row.index_, task.image)
    return prepare(opened.pixels, task.image)


def rows_of(items: pd.DataFrame) -> list:
    return list(items.rename(columns={"index": "index_"}).itertuples(index=False))


@pytest.mark.parametrize("name", TASKS)
def test_network_sees_the_same_in_the_same_parts(
    name: str, done: dict[str, Path], phantoms: dict[str, Path]
) -> None:
    before_task, before = task_of(name), read_items(task_of(name), phantoms[name], cache=False)
    after_task, after = read_again(done[name], name)
    known = {row.item: row for row in rows_of(before)}
    assert len(after) == len(before)
    for row in rows_of(after):
        old = known[originals(done[name])[row.image]]
        assert (row.target, row.split, row.group) == (old.target, old.split, old.group)
        assert (row.origin, row.copies) == (old.origin, old.copies)
        pixels = pixels_of(done[name], row, after_task)
        np.testing.assert_array_equal(pixels, pixels_of(phantoms[name], old, before_task))
    assert after_task.classes == before_task.classes


def test_balance_is_the_same_though_it_is_done_again(
    phantoms: dict[str, Path], tmp_path: Path
) -> None:
    task = task_of("retinopathy").with_changes({"balance.method": "per_class", "balance.count": 5})
    before = read_items(task, phantoms["retinopathy"], cache=False)
    convert(task, phantoms["retinopathy"], tmp_path / "out", cache=False)
    _, after = read_again(tmp_path / "out", "retinopathy")
    names = after["image"].map(originals(tmp_path / "out"))
    assert (before["split"] == "left_out").any()
    assert (before["origin"] == "extra").any()
    old, new = before.set_index("item"), after.set_index(names)
    assert new["split"].to_dict() == old["split"].to_dict()


def test_metadata_and_patients_come_along(done: dict[str, Path], phantoms: dict) -> None:
    before = read_items(task_of("pneumonia"), phantoms["pneumonia"], cache=False)
    task, after = read_again(done["pneumonia"], "pneumonia")
    assert task.source.group.column == "group"
    after["item"] = after["image"].map(originals(done["pneumonia"]))
    both = before.merge(after, on="item", suffixes=("", "_new"))
    assert len(both) == len(before)
    for column in ("meta_sex", "meta_view", "group"):
        assert (both[column] == both[f"{column}_new"]).all()
    ages = pd.to_numeric(both["meta_age_new"]).to_numpy()
    np.testing.assert_allclose(both["meta_age"], ages, rtol=1e-5)


def test_converted_data_train_at_once(done: dict[str, Path], tmp_path: Path) -> None:
    from fastmed.training.train import train

    task = find_task("pneumonia", done["pneumonia"] / "tasks.toml")
    task = task.with_changes({"train.epochs": 1})
    run = train(task, done["pneumonia"], runs=tmp_path, device="cpu", workers=0, cache=False)
    assert Run.open(run.path).info["status"] == "done"


def test_every_image_is_written_under_the_name_of_its_source(
    done: dict[str, Path], phantoms: dict[str, Path]
) -> None:
    files = {
        path.relative_to(done["lungs"] / "images").with_suffix("").as_posix()
        for path in (done["lungs"] / "images").rglob("*.png")
    }
    sources = {
        path.relative_to(phantoms["lungs"]).with_suffix("").as_posix()
        for path in phantoms["lungs"].rglob("*_images/*.*")
    }
    assert files == sources
    unlabelled = pd.read_csv(done["lungs"] / "unlabelled.csv", dtype=str, keep_default_na=False)
    assert unlabelled["image"].str.startswith("images/test_images/").all()
    assert len(unlabelled) == len(list((phantoms["lungs"] / "test_images").iterdir()))
    assert "target" not in unlabelled


def test_rows_of_arrays_have_their_number_as_name(done: dict[str, Path]) -> None:
    items = pd.read_csv(done["histology"] / "items.csv", dtype=str)
    assert "images/train.npz/data/0.png" in set(items["image"])
    assert set(items["split"]) == {"train", "valid", "test"}


def test_pictures_have_no_metadata(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for number in range(8):
        values = np.random.default_rng(number).integers(0, 255, (8, 8), dtype=np.uint8)
        file = data / "train" / ("true" if number % 2 else "false") / f"{number}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        exif[0x010E] = "canary"
        Image.fromarray(values).save(file, exif=exif, comment=b"canary")
    convert(tiny_task("cardiomegaly"), data, tmp_path / "out", cache=False)
    for file in (tmp_path / "out" / "images").rglob("*.png"):
        assert b"canary" not in file.read_bytes()
        with Image.open(file) as picture:
            assert not picture.info
            assert not picture.getexif()


def test_identifiers_of_headers_stay_out(phantoms: dict[str, Path], tmp_path: Path) -> None:
    """Planted names, numbers and dates are in no file of the conversion."""
    data, secret = tmp_path / "data", "CANARY"
    shutil.copytree(phantoms["pneumonia"], data)
    for number, file in enumerate(sorted(data.rglob("*.dcm"))):
        header = dcmread(file)
        header.PatientID = header.PatientName = f"{secret}{number // 2}"
        header.InstitutionName = header.StudyDescription = header.AccessionNumber = secret
        header.StudyDate, header.PatientBirthDate = "19990101", "19490101"
        header.save_as(file)
    convert(tiny_task("pneumonia"), data, tmp_path / "out", cache=False)
    for file in (path for path in (tmp_path / "out").rglob("*") if path.is_file()):
        for canary in (secret.encode(), b"19990101", b"19490101"):
            assert canary not in file.read_bytes()
    items = pd.read_csv(tmp_path / "out" / "items.csv", dtype=str)
    assert set(items.groupby("group").size()) == {2}


def test_same_pixels_give_the_same_bytes(done: dict, phantoms: dict, tmp_path: Path) -> None:
    again = convert(task_of("lungs"), phantoms["lungs"], tmp_path / "out", cache=False).folder
    files = [path.relative_to(again) for path in sorted(again.rglob("*")) if path.is_file()]
    assert len(files) > 40
    for file in files:
        assert (again / file).read_bytes() == (done["lungs"] / file).read_bytes()


def test_original_size_leaves_the_preparation_to_the_task(
    phantoms: dict[str, Path], tmp_path: Path
) -> None:
    task = task_of("retinopathy", image__frame="last")
    way = Way(original_size=True)
    convert(task, phantoms["retinopathy"], tmp_path / "out", way=way, cache=False)
    after_task, after = read_again(tmp_path / "out", "retinopathy")
    assert after_task.image == task_of("retinopathy").image
    names = originals(tmp_path / "out")
    for row in rows_of(after)[:6]:
        old = open_item(phantoms["retinopathy"], names[row.image], "", -1).pixels
        new = open_item(tmp_path / "out", row.image, "", -1).pixels
        np.testing.assert_array_equal(new, old)


def test_jpeg_is_close_and_smaller(done: dict, phantoms: dict, tmp_path: Path) -> None:
    task = task_of("retinopathy")
    sizes = []
    for quality in (60, None):
        out = tmp_path / f"q{quality}"
        convert(task, phantoms["retinopathy"], out, way=Way("jpeg", quality), cache=False)
        files = sorted((out / "images").rglob("*.jpg"))
        sizes.append(sum(file.stat().st_size for file in files))
        twin = done["retinopathy"] / files[0].relative_to(out).with_suffix(".png")
        far = np.asarray(Image.open(files[0]), int) - np.asarray(Image.open(twin), int)
        assert 0 < np.abs(far).mean() < 12
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize(
    ("way", "message"),
    [
        (Way("png", 90), "quality has no effect on PNG"),
        (Way("jpeg", 0), "quality 0 of JPEG is not between 1 and 100"),
        (Way("jpeg", 101), "quality 101"),
    ],
)
def test_quality_that_does_not_fit(way: Way, message: str, phantoms: dict, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=message):
        convert(tiny_task("lungs"), phantoms["lungs"], tmp_path / "out", way=way)


def test_second_time_nothing_is_written(done: dict, phantoms: dict) -> None:
    before = (done["lungs"] / "items.csv").stat()
    again = convert(task_of("lungs"), phantoms["lungs"], done["lungs"], cache=False)
    assert again == Converted(done["lungs"], again.counts, new=False)
    assert (done["lungs"] / "items.csv").stat() == before


def test_missing_picture_is_noticed(phantoms: dict, tmp_path: Path) -> None:
    task, out = tiny_task("lungs"), tmp_path / "out"
    convert(task, phantoms["lungs"], out, unlabelled=False, cache=False)
    next((out / "images").rglob("*.png")).unlink()
    with pytest.raises(RunError, match=r"holds another conversion; `--overwrite` replaces it"):
        convert(task, phantoms["lungs"], out, unlabelled=False, cache=False)
    done = convert(task, phantoms["lungs"], out, unlabelled=False, cache=False, overwrite=True)
    assert done.new
    assert len(list((out / "images").rglob("*.png"))) == done.counts["items.csv"]


@pytest.mark.parametrize("changes", [{"image.size": 16}, {"split.seed": 1}])
def test_other_settings_are_another_conversion(
    changes: dict, done: dict, phantoms: dict[str, Path]
) -> None:
    task = task_of("lungs").with_changes(changes)
    with pytest.raises(RunError, match="holds another conversion"):
        convert(task, phantoms["lungs"], done["lungs"], cache=False)


def test_folders_that_hold_something_else_are_refused(phantoms: dict, tmp_path: Path) -> None:
    task, data = tiny_task("lungs"), phantoms["lungs"]
    (tmp_path / "notes.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(RunError, match="holds 'notes.txt', which is not of a conversion"):
            convert(task, data, tmp_path, overwrite=overwrite)
    for inside in (data, data / "new", data.parent):
        with pytest.raises(RunError, match="lie in one another; choose a folder beside"):
            convert(task, data, inside)


def test_images_that_are_left_out_are_listed_with_the_reason(
    phantoms: dict[str, Path], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(phantoms["cardiomegaly"], data)
    test = sorted((data / "test" / "true").iterdir())[0]
    (data / "train" / "true" / "copy.png").write_bytes(test.read_bytes())
    (data / "train" / "true" / "broken.png").write_bytes(b"no image")
    task = tiny_task("cardiomegaly")
    with pytest.raises(DataError, match=r"broken\.png"):
        convert(task, data, tmp_path / "out", cache=False)
    assert not (tmp_path / "out").exists()
    done = convert(task, data, tmp_path / "out", skip_bad=True, cache=False)
    table = pd.read_csv(tmp_path / "out" / "left_out.csv", keep_default_na=False)
    assert done.counts["left_out.csv"] == len(table) == 2
    rows = table.set_index("original")
    assert rows.loc["train/true/broken.png", "image"] == ""
    assert rows.loc["train/true/copy.png", "image"] == "images/train/true/copy.png"
    assert rows.loc["train/true/copy.png", "note"] == "identical to an image of a later part"


def test_hostile_names_stay_inside_and_are_no_formulas(tmp_path: Path) -> None:
    data = tmp_path / "data"
    names = [
        "=cmd()",
        "-1+1",
        "a\\..\\..\\up",
        "CON",
        "con ",
        "a\u202eb",
        "é",
        "e\u0301",
        "x" * 200,
    ]
    for label in ("true", "false"):
        for number, name in enumerate(names):
            values = np.random.default_rng(number + 99 * (label == "true")).bytes(64)
            file = data / label / f"{name}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.frombytes("L", (8, 8), values).save(file)
    task = tiny_task("cardiomegaly")
    before = read_items(task, data, cache=False)
    out = convert(task, data, tmp_path / "out", cache=False).folder
    written = [path.resolve() for path in (out / "images").rglob("*.png")]
    assert len(written) == len(before) == 18
    assert all(path.is_relative_to(out.resolve() / "images") for path in written)
    for line in (out / "items.csv").read_text().splitlines():
        assert not [cell for cell in line.split(",") if cell[:1] in ("=", "+", "-", "@")]
    _, after = read_again(out, "cardiomegaly")
    assert after["split"].value_counts().to_dict() == before["split"].value_counts().to_dict()


def test_record_names_neither_files_nor_folders(done: dict[str, Path]) -> None:
    told = json.loads((done["lungs"] / "conversion.json").read_text())
    assert set(told) == {"task", "images", "format", "quality", "original_size", "fingerprint"}
    assert told["quality"] is None


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is another matter there")
def test_interrupted_conversion_leaves_nothing(phantoms: dict, tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\n"
        "from fastmed.conversion import pictures\n"
        "write = pictures._write\n"
        "pictures._write = lambda *given: (time.sleep(0.2), write(*given))\n"
        "from fastmed.cli import main\nmain(sys.argv[1:])"
    )
    words = ["convert", "lungs", "--data", phantoms["lungs"], "--out", tmp_path / "out"]
    with subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words), "--no-cache", "--set", "image.size=32"],
        stderr=subprocess.PIPE,
    ) as running:
        for _ in range(600):
            if list(tmp_path.glob(".out.*.tmp/images/*/*.png")):
                break
            assert running.poll() is None
            time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert running.returncode == 130
    assert list(tmp_path.iterdir()) == []

import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile_archives import CASES
from made import listening, write_png

from fastmed.data.fetching import fetch as fetching
from fastmed.data.fetching.archives import Limits
from fastmed.data.fetching.fetch import fetch, parse_archives
from fastmed.data.items import read_items
from fastmed.errors import DataError
from fastmed.task import Task
from fastmed.taskfile import find_task

TASKS = ("cardiomegaly", "lungs", "histology", "pneumonia", "retinopathy")
# The extractor's own tests have them all; two of these are harmless to it.
HOSTILE = (
    "zip_parent", "zip_bomb", "zip_bomb_that_lies_twice", "zip_without_members", "tar_link",
    "tar_cut_off", "text",
)  # fmt: skip


@pytest.fixture(autouse=True)
def without_kaggle(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(handle: str) -> Path:
        raise AssertionError(f"{handle} is asked for")

    monkeypatch.setattr(fetching.kaggle, "download", fail)


def zipped(folder: Path, archive: Path, within: str = "", only: str = "") -> Path:
    """Pack a folder, or what of it has a name that starts so."""
    with zipfile.ZipFile(archive, "w") as opened:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name.startswith(only):
                opened.write(path, f"{within}{name}")
    return archive


def tarred(folder: Path, archive: Path) -> Path:
    with tarfile.open(archive, "w:gz") as opened:
        opened.add(folder, folder.name)
    return archive


def tree(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_each_task(pack: Callable, name: str, phantoms: dict[str, Path], tmp_path: Path) -> None:
    """What goes in comes out, and a second call does nothing."""
    archive = pack(phantoms[name], tmp_path / "archive")
    folder = fetch(find_task(name), tmp_path / "data" / name, {"main": archive})
    assert tree(folder) == tree(phantoms[name])
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    archive.unlink()
    archive.write_text("no archive any more")
    with listening() as told:
        fetch(find_task(name), folder, {"main": archive})
    assert told.text == f"{folder} has the data of task '{name}' already: nothing to do\n"
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "data"]


def test_a_folder_of_the_same_name_around_each(phantoms: dict[str, Path], tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in tree(phantoms["cardiomegaly"]).items():
            opened.writestr(f"{name.partition('/')[0]}/{name}", content)
        opened.writestr("__MACOSX/train/._1.png", b"left by macOS")
        opened.writestr("train/.DS_Store", b"left by macOS")
    folder = fetch(find_task("cardiomegaly"), tmp_path / "data", {"main": archive})
    assert tree(folder) == tree(phantoms["cardiomegaly"])


def retinopathy(phantoms: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """The main images as an archive, and the extra ones as they are on Kaggle, more or less."""
    source = phantoms["retinopathy"]
    archives = {"main": zipped(source, tmp_path / "main.zip", only="train")}
    archives["extra"] = tmp_path / "extra.zip"
    with zipfile.ZipFile(archives["extra"], "w") as opened:
        opened.write(source / "extra.csv", "trainLabels.csv")
        for path in sorted((source / "extra_images").iterdir()):
            opened.write(path, f"resized/resized/{path.name}")
    return archives


def test_main_and_extra(phantoms: dict[str, Path], tmp_path: Path) -> None:
    """An archive with other names gets those of the task."""
    archives = retinopathy(phantoms, tmp_path)
    folder = fetch(find_task("retinopathy"), tmp_path / "data", archives)
    assert tree(folder) == tree(phantoms["retinopathy"])
    assert set(read_items(find_task("retinopathy"), folder)["origin"]) == {"main", "extra"}


def test_extra_later(phantoms: dict[str, Path], tmp_path: Path) -> None:
    archives = retinopathy(phantoms, tmp_path)
    task = find_task("retinopathy")
    with listening() as told:
        fetch(task, tmp_path / "data", {"main": archives["main"]})
    assert "`fastmed fetch retinopathy --archive extra=FILE` adds them" in told.text
    broken = tmp_path / "broken.zip"
    broken.write_bytes(archives["extra"].read_bytes()[:-50])
    before = tree(tmp_path / "data")
    with pytest.raises(DataError, match=r"broken\.zip: it is broken"):
        fetch(task, tmp_path / "data", {"extra": broken})
    assert tree(tmp_path / "data") == before
    fetch(task, tmp_path / "data", archives)
    assert tree(tmp_path / "data") == tree(phantoms["retinopathy"])
    assert not list(tmp_path.glob(".*"))


def test_extra_that_brings_files_of_the_same_name(
    phantoms: dict[str, Path], tmp_path: Path
) -> None:
    archives = retinopathy(phantoms, tmp_path)
    source = phantoms["retinopathy"]
    zipped(source, archives["extra"], "extra_set/")
    task = find_task("retinopathy")
    fetch(task, tmp_path / "data", {"main": archives["main"]})
    (tmp_path / "data" / "train.csv").write_text("id_code,diagnosis\n")
    with listening() as told:
        fetch(task, tmp_path / "data", {"extra": archives["extra"]})
    assert "Left out 'extra_set/train.csv': there is a 'train.csv' already" in told.text
    assert (tmp_path / "data" / "train.csv").read_text() == "id_code,diagnosis\n"


def test_extra_images_under_a_name_that_is_taken(phantoms: dict[str, Path], tmp_path: Path) -> None:
    archives = retinopathy(phantoms, tmp_path)
    task = find_task("retinopathy").with_changes({"extra.folder": "train_images"})
    with pytest.raises(DataError, match="there is a 'train_images' with other images already"):
        fetch(task, tmp_path / "data", archives)
    assert not (tmp_path / "data").exists()


def test_archives_in_an_archive(phantoms: dict[str, Path], tmp_path: Path) -> None:
    """As some competitions pack them: a table and a folder, each in a zip file of its own."""
    source, archive = phantoms["pneumonia"], tmp_path / "all.zip"
    images = zipped(source / "stage_2_train_images", tmp_path / "stage_2_train_images.zip")
    with zipfile.ZipFile(archive, "w") as opened:
        opened.write(images, images.name)
        for path in source.glob("*.csv"):
            inner = zipped(source, tmp_path / f"{path.name}.zip", only=path.name)
            opened.write(inner, inner.name)
    folder = fetch(find_task("pneumonia"), tmp_path / "data", {"main": archive})
    assert tree(folder) == tree(source)


def test_a_bomb_in_an_archive(tmp_path: Path) -> None:
    archive = CASES["zip_nested"](tmp_path)
    with pytest.raises(DataError, match=r"case\.zip, in it images\d+\.zip: it would take more"):
        fetch(
            find_task("lungs"), tmp_path / "data", {"main": archive}, Limits(ratio=5, slack=2**25)
        )
    assert [path.name for path in tmp_path.iterdir()] == [archive.name]


def test_many_archives_in_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        for number in range(51):
            opened.writestr(f"{number}.zip", b"PK\5\6" + bytes(18))
    with pytest.raises(DataError, match="holds 51 archives, more than 50"):
        fetch(find_task("lungs"), tmp_path / "data", {"main": tmp_path / "a.zip"})


def test_a_folder(phantoms: dict[str, Path], tmp_path: Path) -> None:
    """As a browser leaves it that unpacks what it loads; the folder stays as it is."""
    place = shutil.copytree(phantoms["lungs"], tmp_path / "Downloads" / "lungs" / "lungs")
    folder = fetch(find_task("lungs"), tmp_path / "data", {"main": place.parent})
    assert tree(folder) == tree(place) == tree(phantoms["lungs"])
    assert all(path.stat().st_nlink == 1 for path in folder.rglob("*") if path.is_file())


@pytest.mark.skipif(os.name != "posix", reason="makes links and pipes")
@pytest.mark.parametrize("make", [
    lambda path: path.symlink_to("/etc/passwd"),
    lambda path: path.symlink_to(".."),
    getattr(os, "mkfifo", None),
])  # fmt: skip
def test_a_folder_with_what_is_no_file(
    make: Callable, phantoms: dict[str, Path], tmp_path: Path
) -> None:
    place = shutil.copytree(phantoms["lungs"], tmp_path / "lungs")
    make(place / "train_images" / "x.png")
    with pytest.raises(DataError, match=r"x\.png is a link or no plain file"):
        fetch(find_task("lungs"), tmp_path / "data", {"main": place})
    assert not (tmp_path / "data").exists()


def test_from_kaggle(
    phantoms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files stay in the folder of Kaggle's library and take no room a second time."""
    asked: list[str] = []

    def download(handle: str) -> Path:
        asked.append(handle)
        part = "train" if "competitions" in handle else "extra"
        cache = tmp_path / "cache" / part
        shutil.copytree(phantoms["retinopathy"], cache)
        for path in cache.iterdir():
            if not path.name.startswith(part):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return cache

    monkeypatch.setattr(fetching.kaggle, "download", download)
    task = find_task("retinopathy")
    folder = fetch(task, tmp_path / "data")
    assert asked == list(task.fetch.kaggle)
    assert tree(folder) == tree(phantoms["retinopathy"])
    assert all(path.stat().st_nlink == 2 for path in folder.rglob("*") if path.is_file())


# What is refused


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives(name: str, tmp_path: Path) -> None:
    """Each ends in a sentence, and nothing is left but the archive."""
    archive = CASES[name](tmp_path)
    with pytest.raises(DataError) as refused:
        fetch(find_task("cardiomegaly"), tmp_path / "a" / "data", {"main": archive})
    assert str(archive) in str(refused.value)
    assert str(refused.value).isprintable()
    assert [path.name for path in tmp_path.iterdir()] == [archive.name]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_of_something_else(pack: Callable, tmp_path: Path) -> None:
    """The sentence says what is expected, what there is, and how to go on."""
    write_png(tmp_path / "x" / "photos" / "a.png")
    (tmp_path / "x" / "labels.csv").write_text("file,grade\na,1\n")
    archive = pack(tmp_path / "x", tmp_path / "archive")
    with pytest.raises(DataError) as refused:
        fetch(find_task("retinopathy"), tmp_path / "data", {"main": archive})
    said = str(refused.value)
    assert said.startswith(
        f"{archive} does not hold what task 'retinopathy' expects: 'train.csv' with the columns "
        "'id_code', 'diagnosis', and its images, which end in '.jpeg', in the folder "
    )
    assert "labels.csv' (columns 'file', 'grade'), 1 file in '" in said
    assert "say so with --set source.file=NAME, and likewise 'source.folder'" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "x"]


def test_other_names_are_told_by_settings(tmp_path: Path) -> None:
    write_png(tmp_path / "x" / "photos" / "a.png")
    (tmp_path / "x" / "labels.csv").write_text("file,grade\na,1\n")
    task = find_task("retinopathy").with_changes({
        "source.file": "labels.csv", "source.image": "file", "source.label": "grade",
        "source.folder": "photos", "source.suffix": ".png",
    })  # fmt: skip
    archive = zipped(tmp_path / "x", tmp_path / "a.zip")
    assert tree(fetch(task, tmp_path / "data", {"main": archive})) == tree(tmp_path / "x")


@pytest.mark.parametrize("name, expected, way_out", [
    ("cardiomegaly", "a folder for each of the classes 'false', 'true'", "--set 'classes="),
    ("histology", "the files 'train.npz', 'test.npz'", "--set source.file=NAME, and likewise "
     "'source.test_file'"),
    ("pneumonia", "'stage_2_detailed_class_info.csv' with the columns 'patientId', 'class'",
     "'source.suffix'"),
])  # fmt: skip
def test_what_each_layout_expects(name: str, expected: str, way_out: str, tmp_path: Path) -> None:
    archive = CASES["zip_without_members"](tmp_path)
    with pytest.raises(DataError) as refused:
        fetch(find_task(name), tmp_path / "data", {"main": archive})
    assert f"expects: {expected}" in str(refused.value)
    assert "it holds no files" in str(refused.value)
    assert way_out in str(refused.value)


def test_missing_images_are_told(phantoms: dict[str, Path], tmp_path: Path) -> None:
    place = shutil.copytree(phantoms["lungs"], tmp_path / "lungs")
    next((place / "train_images").iterdir()).unlink()
    with listening() as told:
        fetch(find_task("lungs"), tmp_path / "data", {"main": zipped(place, tmp_path / "a.zip")})
    assert "main: 1 of the 42 images that the table names are not in" in told.text


@pytest.mark.parametrize("archives, reason", [
    ({"extra": "a.zip"}, "task 'lungs' has no extra images; expected 'main'"),
    ({"main": "none.zip"}, "there is no file or folder none.zip"),
    ({"main": "a.npz"}, "a.npz is a file of arrays and no archive"),
])  # fmt: skip
def test_archives_that_make_no_sense(
    archives: dict[str, str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.zip", "a.npz"):
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=reason):
        fetch(find_task("lungs"), "data", archives)


def test_extra_without_main(tmp_path: Path) -> None:
    (tmp_path / "a.zip").touch()
    with pytest.raises(DataError, match="the main images are not there yet; give their archive"):
        fetch(find_task("retinopathy"), tmp_path / "data", {"extra": tmp_path / "a.zip"})


@pytest.mark.parametrize("name, reason", [
    ("lungs", "no public copy is known"), ("histology", "https://doi.org/10.5281/zenodo.1214456"),
])  # fmt: skip
def test_tasks_without_a_page(name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"can't be downloaded by a command: .*{reason}"):
        fetch(find_task(name), tmp_path / "data")


def test_a_task_of_ones_own_without_a_page(tmp_path: Path) -> None:
    task = Task.model_validate({
        "name": "own", "title": "x", "goal": "category", "classes": ["a", "b"],
        "source": {"kind": "folders"},
    })  # fmt: skip
    with pytest.raises(DataError, match=r"names no page of Kaggle \(fetch\.kaggle\); give what"):
        fetch(task, tmp_path / "data")


@pytest.mark.parametrize("name", ["lungs", "cardiomegaly"])
def test_a_folder_with_something_else(name: str, phantoms: dict[str, Path], tmp_path: Path) -> None:
    archive = zipped(phantoms[name], tmp_path / "a.zip")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "notes.txt").touch()
    with pytest.raises(DataError, match="is not empty, and has not the"):
        fetch(find_task(name), tmp_path / "data", {"main": archive})
    with pytest.raises(DataError, match="is a file; expected a folder"):
        fetch(find_task(name), tmp_path / "data" / "notes.txt", {"main": archive})
    assert tree(tmp_path / "data") == {"notes.txt": b""}


def test_an_empty_folder_is_filled(phantoms: dict[str, Path], tmp_path: Path) -> None:
    """Also one that is a link to another disk, and one that a file manager has looked at."""
    archive = zipped(phantoms["lungs"], tmp_path / "a.zip")
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / ".DS_Store").touch()
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    fetch(find_task("lungs"), tmp_path / "data", {"main": archive})
    assert tree(tmp_path / "disk") == {**tree(phantoms["lungs"]), ".DS_Store": b""}


def test_two_at_a_time(phantoms: dict[str, Path], tmp_path: Path) -> None:
    archive = zipped(phantoms["lungs"], tmp_path / "a.zip")
    (tmp_path / ".data.fetch").mkdir()
    with pytest.raises(DataError, match=r"\.data\.fetch is there: another command fetches into"):
        fetch(find_task("lungs"), tmp_path / "data", {"main": archive})
    assert (tmp_path / ".data.fetch").exists()


@pytest.mark.parametrize("step", ["unpack", "lift_doubles", "arrange", "_put"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_accidents_leave_nothing(
    step: str, error: Exception, phantoms: dict[str, Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def fail(*_: object) -> None:
        raise error

    archive = zipped(phantoms["lungs"], tmp_path / "a.zip")
    monkeypatch.setattr(fetching, step, fail)
    with pytest.raises((KeyboardInterrupt, DataError)):
        fetch(find_task("lungs"), tmp_path / "new" / "data", {"main": archive})
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_an_accident_at_the_very_end_is_undone(
    phantoms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra images are moved, their table can't be."""
    archives = retinopathy(phantoms, tmp_path)
    task = find_task("retinopathy")
    fetch(task, tmp_path / "data", {"main": archives["main"]})
    before, rename = tree(tmp_path / "data"), Path.rename

    def fail(path: Path, target: Path) -> Path:
        if Path(target).parent == tmp_path / "data" and path.name == "extra.csv":
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(DataError, match="can't write .*data: no space left on device"):
        fetch(task, tmp_path / "data", {"extra": archives["extra"]})
    assert tree(tmp_path / "data") == before


def test_what_is_given_on_the_command_line() -> None:
    assert parse_archives(["main=a=b.zip", "extra=c"]) == {
        "main": Path("a=b.zip"), "extra": Path("c"),
    }  # fmt: skip


@pytest.mark.parametrize("texts, reason", [
    (["a.zip"], "'a.zip' is no archive; expected main=FILE or extra=FILE$"),
    (["mian=a.zip"], "expected main=FILE or extra=FILE; did you mean 'main'?"),
    (["main="], "'main=' is no archive"),
    (["main=a", "main=b"], "the archive of the main images is given twice"),
])  # fmt: skip
def test_what_is_given_wrongly(texts: list[str], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        parse_archives(texts)

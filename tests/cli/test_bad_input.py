"""What users get wrong: one sentence on stderr, exit code 1, and nothing half-written."""

import gc
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from conftest import tiny_task

from fastmed.run import Run
from fastmed.taskfile import to_toml

TRAIN = (
    "--runs", "runs", "--arch", "test_resnet", "--no-pretrained", "--epochs", "1", "--batch", "8",
    "--size", "32", "--device", "cpu", "--workers", "0", "--set", "split.valid=0.3",
)  # fmt: skip


@pytest.fixture
def place(
    phantoms: dict, trained: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A working directory with data and runs that a test may spoil."""
    for name in ("lungs", "cardiomegaly", "histology"):
        shutil.copytree(phantoms[name], tmp_path / "data" / name)
        run = Run.open(shutil.copytree(trained[name].path, tmp_path / "runs" / name / "first"))
        run.update(data=f"../../../data/{name}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file and folder with its content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


def refuse(command: Callable, place: Path, arguments: tuple, sentence: str) -> None:
    """Assert that a command refuses with one sentence and changes no file."""
    before = tree(place)
    said = command("-q", *arguments)
    assert said.code == 1, said.err
    assert said.err.startswith("Error: ")
    assert said.err.count("\n") == 1, said.err
    assert said.err.endswith("\n")
    assert "Traceback" not in said.err
    assert re.search(sentence, said.err), said.err
    assert tree(place) == before


def labels(place: Path) -> pd.DataFrame:
    return pd.read_csv(place / "data" / "lungs" / "train_labels.csv", dtype=str)


def write_labels(place: Path, table: pd.DataFrame) -> None:
    table.to_csv(place / "data" / "lungs" / "train_labels.csv", index=False)


def no_folder(place: Path) -> None:
    shutil.rmtree(place / "data" / "lungs")


def no_table(place: Path) -> None:
    (place / "data" / "lungs" / "train_labels.csv").unlink()


def no_column(place: Path) -> None:
    write_labels(place, labels(place).rename(columns={"label": "lable"}))


def no_class(place: Path) -> None:
    table = labels(place)
    write_labels(place, table[table["label"] != "1"])


def single_image(place: Path) -> None:
    table = labels(place)
    covid = table[table["label"] == "1"].index[1:]
    write_labels(place, table.drop(covid))


def unknown_label(place: Path) -> None:
    table = labels(place)
    table.loc[4, "label"] = "7"
    write_labels(place, table)


def row_without_file(place: Path) -> None:
    table = labels(place)
    table.loc[3, "image"] = "nowhere.png"
    write_labels(place, table)


def row_outside(place: Path) -> None:
    table = labels(place)
    table.loc[3, "image"] = "../../secret.png"
    write_labels(place, table)


def two_labels(place: Path) -> None:
    table = labels(place)
    again = table.head(1).assign(label="2" if table.loc[0, "label"] != "2" else "1")
    write_labels(place, pd.concat([table, again]))


def broken_image(place: Path) -> None:
    name = labels(place).loc[2, "image"]
    file = place / "data" / "lungs" / "train_images" / name
    file.write_bytes(file.read_bytes()[:100])


def empty_image(place: Path) -> None:
    name = labels(place).loc[2, "image"]
    (place / "data" / "lungs" / "train_images" / name).write_bytes(b"")


def empty_class_folder(place: Path) -> None:
    for part in ("train", "test"):
        shutil.rmtree(place / "data" / "cardiomegaly" / part / "true")
        (place / "data" / "cardiomegaly" / part / "true").mkdir()


def strange_folder(place: Path) -> None:
    (place / "data" / "cardiomegaly" / "train" / "maybe").mkdir()


def broken_npz(place: Path) -> None:
    (place / "data" / "histology" / "train.npz").write_bytes(b"no archive")


def invalid_toml(place: Path) -> None:
    (place / "tasks.toml").write_text("[lungs\n")


def invalid_task(place: Path) -> None:
    text = to_toml(tiny_task("lungs")).replace("[lungs", "[mine").replace("epochs", "epoch")
    (place / "tasks.toml").write_text(text, encoding="utf-8")


def weights_of_another(place: Path) -> None:
    shutil.copy(place / "runs" / "histology" / "first" / "items.csv", place / "w.pth")


def taken_name(place: Path) -> None:
    assert (place / "runs" / "lungs" / "first").is_dir()


def nothing(place: Path) -> None:
    """Spoil nothing."""


def train(task: str, *more: str) -> tuple[str, ...]:
    return ("train", task, *TRAIN, *more)


WRONG_DATA = {
    "missing folder": (no_folder, train("lungs"), r"no data folder data/lungs; give.*--data DIR"),
    "missing table": (no_table, train("lungs"), r"there is no file .*train_labels.csv"),
    "missing column": (no_column, train("lungs"), r"no column 'label'; did you mean 'lable'"),
    "no image of a class": (no_class, train("lungs"), r"no image of 'COVID'"),
    "one image of a class": (single_image, train("lungs"), r"class 'COVID' has only 1 image"),
    "unknown label": (unknown_label, train("lungs"), r"line 6: '7' is none of the classes"),
    "row without file": (row_without_file, train("lungs"), r"'nowhere.png'.*`--skip-bad`"),
    "row that leads out": (row_outside, train("lungs"), r"leads out of the data folder"),
    "two labels": (two_labels, train("lungs"), r"stands there more than once, with the labels"),
    "broken image": (broken_image, train("lungs"), r"\.png: the file is truncated.*--skip-bad"),
    "empty image": (empty_image, train("lungs"), r"\.png: the file is empty"),
    "empty class folder": (empty_class_folder, train("cardiomegaly"), r"no image of 'true'"),
    "strange folder": (strange_folder, train("cardiomegaly"), r"'maybe' is none of the classes"),
    "broken arrays": (broken_npz, train("histology"), r"train.npz is not an NPZ file"),
}


@pytest.mark.parametrize("wrong", WRONG_DATA)
def test_wrong_data(wrong: str, command: Callable, place: Path) -> None:
    spoil, arguments, sentence = WRONG_DATA[wrong]
    spoil(place)
    refuse(command, place, arguments, sentence)


WRONG_SETTINGS = {
    "unknown task": (nothing, train("lung"), r"no task 'lung'; did you mean 'lungs'\?"),
    "unknown backbone": (nothing, train("lungs", "--arch", "resnt18"), r"did you mean 'resnet18'"),
    "unknown setting": (
        nothing, train("lungs", "--set", "train.lrr=1"), r"\[lungs.train.lrr\] is not a known",
    ),
    "wrong value": (nothing, train("lungs", "--lr", "-1"), r"\[lungs.train.lr\] = -1"),
    "wrong seed": (nothing, train("lungs", "--set", "split.seed=-1"), r"\[lungs.split.seed\] = -1"),
    "wrong choice": (nothing, train("lungs", "--opt", "adamx"), r"did you mean 'adamw?a?x?'"),
    "wrong loss": (nothing, train("lungs", "--loss", "mse"), r"does not fit goal = 'category'"),
    "no equals sign": (nothing, train("lungs", "--set", "train.lr"), r"expected KEY=VALUE"),
    "invalid TOML": (invalid_toml, train("lungs"), r"tasks.toml is not valid TOML"),
    "invalid task": (invalid_task, train("mine"), r"\[mine.train.\w*epoch\] is no"),
    "missing task file": (nothing, train("lungs", "--tasks", "no.toml"), r"no task file 'no.toml'"),
    "missing device": (nothing, train("lungs", "--device", "cuda:9"), r"no device 'cuda:9' here"),
    "no validation part": (nothing, train("lungs", "--set", "split.valid=0"), r"split.valid=0.2"),
    "name that is taken": (taken_name, train("lungs", "--name", "first"), r"exists already"),
    "name that is a path": (nothing, train("lungs", "--name", "../x"), r"may hold only letters"),
    "weights and none": (
        nothing, train("lungs", "--weights", "w.pth"), r"weights have no effect with pretrained",
    ),
    "missing weights": (
        nothing, ("train", "lungs", "--weights", "w.pth", "--device", "cpu"), r"no weights file",
    ),
    "weights that are none": (
        weights_of_another,
        ("train", "lungs", "--weights", "w.pth", "--device", "cpu", "--set", "split.valid=0.3"),
        r"w.pth is not a plain state dict",
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_SETTINGS)
def test_wrong_settings(wrong: str, command: Callable, place: Path) -> None:
    spoil, arguments, sentence = WRONG_SETTINGS[wrong]
    spoil(place)
    refuse(command, place, arguments, sentence)


RUN = "runs/lungs/first"
IMAGES = "data/lungs/test_images"


def no_runs(place: Path) -> None:
    shutil.rmtree(place / "runs")


def no_weights(place: Path) -> None:
    (place / RUN / "model.safetensors").unlink()


def half_weights(place: Path) -> None:
    file = place / RUN / "model.safetensors"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def broken_run(place: Path) -> None:
    (place / RUN / "run.json").write_text("{")


def bad_new_image(place: Path) -> None:
    (place / IMAGES / "bad.png").write_text("no image")


def empty_folder(place: Path) -> None:
    (place / "empty").mkdir()


def list_of_nothing(place: Path) -> None:
    (place / "list.csv").write_text("image\nnowhere.png\n")


def folder_in_the_way(place: Path) -> None:
    (place / "out.csv").mkdir()


def no_images(place: Path) -> None:
    shutil.rmtree(place / "data" / "cardiomegaly")


def on(*more: str, command: str = "predict") -> tuple[str, ...]:
    source = (IMAGES, "--run", RUN) if command == "predict" else (RUN,)
    return (command, *source, "--device", "cpu", *more)


WRONG_USE = {
    "no runs": (no_runs, ("interpret",), r"no run in 'runs'; `fastmed train TASK` makes one"),
    "no runs to predict": (no_runs, ("predict", IMAGES), r"no run in 'runs'"),
    "not a run": (nothing, ("interpret", "data"), r"'data' is not a run: it has no run.json"),
    "misspelt run": (nothing, ("evaluate", "runs/lungs/frist"), r"did you mean '.*first'"),
    "damaged run": (broken_run, on(command="interpret"), r"run.json can't be read"),
    "no weights": (no_weights, on(), r"no weights at .*model.safetensors"),
    "half of the weights": (half_weights, on(), r"can't be loaded into the run's network"),
    "no input": (nothing, ("predict", "none", "--run", RUN, "--device", "cpu"), r"no file or fold"),
    "empty input": (empty_folder, ("predict", "empty", "--run", RUN), r"no images found in empty"),
    "list of nothing": (list_of_nothing, ("predict", "list.csv", "--run", RUN), r"nowhere.png"),
    "bad image": (
        bad_new_image, ("predict", f"{IMAGES}/bad.png", "--run", RUN, "--device", "cpu"),
        r"bad.png: it is text, not an image \(1 of 1 images",
    ),
    "unknown view": (nothing, on("--views", "plain,hflop"), r"no view 'hflop'; did you mean 'hfl"),
    "missing device": (nothing, (*on()[:-1], "tpu9"), r"no device 'tpu9' here"),
    "not a CSV file": (nothing, on("--out", "out.xlsx"), r"written as .csv, .*, not '.xlsx'"),
    "name that is too long": (nothing, on("--out", "a" * 300 + ".csv"), r"File name too long"),
    "folder in the way": (folder_in_the_way, on("--out", "out.csv"), r"'out.csv': it is a folder"),
    "no labels to score": (
        nothing, ("evaluate", RUN, IMAGES, "--device", "cpu"), r"no image in .* has a label",
    ),
    "no test part": (nothing, on(command="evaluate"), r"has no test part"),
    "no such part": (nothing, on("--split", "vlaid", command="interpret"), r"has no vlaid part"),
    "data that are gone": (
        no_images, ("evaluate", "runs/cardiomegaly/first", "--device", "cpu"),
        r"data folder .*cardiomegaly of .* is gone",
    ),
    "unknown task": (nothing, ("tasks", "retina"), r"no task 'retina'"),
    "unknown phantom": (nothing, ("phantom", "lung", "new"), r"no phantom of task 'lung'"),
    "phantom over data": (nothing, ("phantom", "lungs", "data"), r"not an empty folder"),
    "unknown demo": (nothing, ("demo", "lung", "--out", "new"), r"no demo of 'lung'"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_USE)
def test_wrong_use(wrong: str, command: Callable, place: Path) -> None:
    spoil, arguments, sentence = WRONG_USE[wrong]
    spoil(place)
    refuse(command, place, arguments, sentence)


def test_an_image_that_breaks_within_a_loader_process_is_one_sentence(
    command: Callable, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image that was whole when it was inspected, and is broken when it is learnt from."""
    monkeypatch.setattr("fastmed.data.items.inspect_images", lambda items, *_, **__: items)
    # Else torch waits for its processes for seconds, whenever the garbage is collected.
    monkeypatch.setattr("torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL", 0.1)
    broken_image(place)
    said = command("-q", *train("lungs", "--name", "second"), "--workers", "2")
    assert said.code == 1
    assert re.fullmatch(r"Error: .*\.png: the file is truncated\n", said.err)
    assert Run.open(place / "runs" / "lungs" / "second").info["status"] == "failed"
    gc.collect()

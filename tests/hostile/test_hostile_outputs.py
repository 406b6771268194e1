"""Whatever files and classes are named, no terminal, spreadsheet or browser acts on it."""

import csv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hostile_folders import ODD_NAMES
from hostile_tables import write_image
from hostile_tasks import task_file

from fastmed.data.items import read_items
from fastmed.data.tables import read_table
from fastmed.run import Run
from fastmed.taskfile import find_task

CLASSES = ("a/b", "{{7*7}}", "$\\frac{$ & 5 > 3 [red]x")
IN_A_TABLE = [
    name
    for name in ODD_NAMES.values()
    if name.isprintable() and name == name.strip() and "\\" not in name
]


def steers(text: str) -> list[str]:
    """Return the lines of terminal output in which a character is not shown as itself."""
    return [line for line in text.split("\n") if not line.isprintable()]


def is_formula(cell: str) -> bool:
    return cell[:1] in set("=+-@\t\r\n") and not cell.replace(".", "").lstrip("+-").isdigit()


def cells_of(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [cell for row in csv.reader(file) for cell in row]


@pytest.fixture
def odd_images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for seed, name in enumerate(ODD_NAMES.values()):
        write_image(folder / name, seed)
    return folder


def test_names_in_predictions(
    odd_images: Path, own_run: Callable[[str], Run], command: Callable, tmp_path: Path
) -> None:
    run, out = own_run("lungs"), tmp_path / "out.csv"
    said = command("predict", odd_images, "--run", run.path, "--device", "cpu", "--out", out)
    assert said.code == 0, said.err
    assert steers(said.out + said.err) == []
    assert not any(map(is_formula, cells_of(out)))
    assert sorted(read_table(out)["item"]) == sorted(ODD_NAMES.values())
    said = command(
        "predict", odd_images, "--run", run.path, "--device", "cpu", "--out", out,
        "--competition", "name",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert not any(map(is_formula, cells_of(out)))


def test_names_in_tables_of_the_terminal(
    odd_images: Path, own_run: Callable[[str], Run], command: Callable
) -> None:
    run = own_run("lungs")
    said = command("predict", odd_images, "--run", run.path, "--device", "cpu")
    assert steers(said.out + said.err) == []
    for text in ("\\x1b[2J", "\\u202e", "[bold red]x", ":smile:", "\\n", "\\x07"):
        assert text in said.out


def test_names_in_errors(
    odd_images: Path, own_run: Callable[[str], Run], command: Callable
) -> None:
    run = own_run("lungs")
    for key in ("escape", "line_break", "right_to_left"):
        name = ODD_NAMES[key]
        (odd_images / name).write_text("no image")
        said = command("predict", odd_images / name, "--run", run.path, "--device", "cpu")
        assert said.code == 1
        assert steers(said.err) == []
        assert [line[:7] for line in said.err.splitlines()].count("Error: ") == 1
    said = command("predict", odd_images, "--run", run.path, "--device", "cpu", "--skip-bad")
    assert said.code == 0
    assert "3 images that can't be read are left out" in said.err
    assert steers(said.err) == []


@pytest.fixture
def odd_data(tmp_path: Path) -> Path:
    """A data set whose classes and files have odd names, with a task file."""
    folder = tmp_path / "data"
    folder.mkdir()
    rows = []
    for seed in range(36):
        name = IN_A_TABLE[seed % len(IN_A_TABLE)]
        name = name if seed < len(IN_A_TABLE) else f"{seed}{name[-200:]}"
        write_image(folder / name, seed)
        rows.append((name, CLASSES[seed % 3]))
    pd.DataFrame(rows, columns=["image", "label"]).to_csv(folder / "labels.csv", index=False)
    task_file(tmp_path, classes=list(CLASSES))
    return folder


@pytest.mark.slow
def test_classes_and_files_in_a_run(
    odd_data: Path, command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = command(
        "train", "mine", "--data", odd_data, "--device", "cpu", "--workers", "0", "--name", "r"
    )
    assert said.code == 0, said.err
    run = Run.open(tmp_path / "runs" / "mine" / "r")
    shown = command("interpret", run.path, "--split", "valid", "--device", "cpu")
    assert shown.code == 0, shown.err
    assert steers(said.out + said.err + shown.out + shown.err) == []
    for name in CLASSES:
        assert name in said.out + shown.out
    made = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.parent != odd_data]
    assert not [path for path in made if "7*7" in str(path) or path.name in ("a", "b", "49")]
    for table in run.path.rglob("*.csv"):
        assert not any(map(is_formula, cells_of(table))), table
    assert set(run.items["target"]) == set(CLASSES)


@pytest.mark.slow
def test_classes_and_files_in_a_study(
    odd_data: Path, command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = command("study", "mine", "--data", odd_data, "--out", tmp_path / "study")
    assert said.code == 0, said.err
    assert steers(said.out + said.err) == []
    (page,) = (tmp_path / "study").rglob("*.html")
    text = page.read_text(encoding="utf-8")
    assert "{{7*7}}" in text
    assert "<script>alert" not in text
    assert "$\\frac{$ &amp; 5 &gt; 3 [red]x" in text


def test_classes_and_files_in_a_conversion(
    odd_data: Path, command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "converted"
    said = command("convert", "mine", "--data", odd_data, "--out", out)
    assert said.code == 0, said.err
    assert steers(said.out + said.err) == []
    for table in out.rglob("*.csv"):
        assert not any(map(is_formula, cells_of(table))), table
    task = find_task("mine", out / "tasks.toml")
    items = read_items(task, out, cache=False)
    assert len(items) == 36
    assert set(items["target"]) == set(CLASSES)

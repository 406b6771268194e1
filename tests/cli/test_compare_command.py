"""`fastmed compare`, and the tables of scores that commands print."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from made_predictions import predictions
from PIL import Image

from fastmed.cli.tables import print_scores
from fastmed.data.tables import write_table
from fastmed.files import write_json
from fastmed.results.scores.asked import Asked, asked_scores
from fastmed.taskfile import find_task

PNEUMONIA = find_task("pneumonia")


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Two runs with predictions of the same test part."""
    paths = []
    for seed in (1, 2):
        table = predictions(list(PNEUMONIA.classes), 50, images=2)
        other = predictions(list(PNEUMONIA.classes), 50, images=2, gain=seed)
        table[other.filter(like="score_").columns] = other.filter(like="score_")
        table["predicted"] = other["predicted"]
        run = tmp_path / f"run-{seed}"
        (run / "predictions").mkdir(parents=True)
        write_json(run / "run.json", {"status": "done"})
        write_json(run / "task.json", PNEUMONIA.model_dump(mode="json"))
        write_table(table, run / "predictions" / "test.csv")
        paths.append(run)
    return paths


def test_differences_are_printed_written_and_drawn(
    runs: list[Path], command: Callable, tmp_path: Path
) -> None:
    figure, file = tmp_path / "difference.png", tmp_path / "difference.json"
    said = command("compare", *runs, "--figure", figure, "--json", file)
    assert said.code == 0, said.err
    assert "run-2 against run-1, test, 100 images of 50 patients" in said.out
    assert re.search(r"balanced accuracy +│ 0\.\d{3} │ 0\.\d{3} │ [+-]0\.\d{3} +│ \[", said.out)
    assert "Less is better of log loss, Brier score." in said.err
    assert json.loads(file.read_text())["runs"] == ["run-1", "run-2"]
    assert Image.open(figure).width > 500


def test_one_sentence_where_nothing_can_be_compared(
    runs: list[Path], command: Callable, tmp_path: Path
) -> None:
    said = command("compare", runs[0])
    assert (said.code, said.out) == (1, "")
    assert "comparing takes at least two runs" in said.err
    said = command("compare", *runs, "--split", "elsewhere")
    assert "has no predictions of 'elsewhere' (it has 'test')" in said.err
    said = command("compare", *runs, "--figure", tmp_path / "difference.pdf")
    assert "a figure is written as PNG" in said.err


@pytest.mark.parametrize("name", ["pneumonia", "retinopathy", "histology"])
def test_scores_are_readable_in_a_hundred_columns(name: str, capsys: pytest.CaptureFixture) -> None:
    task = find_task(name)
    table = predictions(list(task.classes), 90, images=2)
    items = table[["item"]].assign(meta_sex=["F", "M", "M", "F"] * 45)
    asked = Asked({task.classes[1]: 0.1}, {task.classes[1]: 0.2}, None, "max", ["sex"])
    print_scores("Test part", asked_scores(task, table, asked, items))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    text = "\n".join(lines)
    assert "Test part, 180 images of 90 patients" in text
    assert "Test part, max of each patient's images, 90 patients" in text
    assert ("Referable ('Moderate' or higher)" in text) == (name == "retinopathy")
    assert "PPV elsewhere" in text
    assert re.search(r"│ accuracy +│ +0\.\d{3} │ \[0\.\d{3}, 0\.\d{3}\]", text)

"""What an ensemble was fitted to be is kept as JSON, and is the same ensemble again."""

import json
from pathlib import Path

import pytest
from made_members import GRADES, LUNGS, file_of, run_of, said

from fastmed.data.tables import scores_of
from fastmed.ensembles import Ensemble
from fastmed.errors import DataError, TaskError


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ("lungs", {"method": "mean"}),
        ("lungs", {"method": "weighted", "average": "logits"}),
        ("lungs", {"method": "stack"}),
        ("lungs", {"method": "weighted", "weights": [1, 3], "calibrate": False}),
        ("retinopathy", {"method": "mean"}),
        ("retinopathy", {"method": "stack"}),
    ],
)
def test_it_says_the_same_again(task: str, options: dict, tmp_path: Path) -> None:
    runs = [run_of(tmp_path / "runs" / task, f"r{seed}", task, seed).path for seed in (1, 2)]
    for run in runs:
        table = said(LUNGS if task == "lungs" else GRADES, seed=len(str(run)), prefix="new",
                     labelled=False)  # fmt: skip
        file_of(run / "predictions", "new", table)
    first = Ensemble.of(runs, split="new", **options)
    file = first.save(tmp_path / "first.csv")
    assert file.name == "first.ensemble.json"
    for run in runs:
        (run / "calibration.csv").unlink()
    again = Ensemble.of(runs, split="new", fitted=file)
    classes = list(first.task.classes)
    assert scores_of(again.table, classes) == pytest.approx(scores_of(first.table, classes))
    assert again.table["predicted"].tolist() == first.table["predicted"].tolist()
    assert again.as_info() == first.as_info()


@pytest.fixture
def kept(tmp_path: Path) -> tuple[list[Path], Path]:
    files = [file_of(tmp_path, f"m{n}", said(LUNGS, seed=n, labelled=False)) for n in (1, 2)]
    valid = [file_of(tmp_path, f"v{n}", said(LUNGS, 40, n, prefix="valid")) for n in (1, 2)]
    return files, Ensemble.of(files, method="stack", valid=valid).save(tmp_path / "kept.csv")


def test_other_members_and_options_are_refused(
    kept: tuple[list[Path], Path], tmp_path: Path
) -> None:
    files, file = kept
    third = file_of(tmp_path, "m3", said(LUNGS, seed=3, labelled=False))
    with pytest.raises(DataError, match=r"fitted to 2 members \('m1', 'm2'\), not to 3"):
        Ensemble.of([*files, third], fitted=file)
    with pytest.raises(TaskError, match="--weight-by has no effect with --fitted"):
        Ensemble.of(files, fitted=file, weight_by="auroc")
    grades = [file_of(tmp_path, f"g{n}", said(GRADES, seed=n, labelled=False)) for n in (1, 2)]
    with pytest.raises(DataError, match="fitted to category 'healthy', .* predict grade 'No DR'"):
        Ensemble.of(grades, fitted=file)
    runs = [run_of(tmp_path / "runs", f"r{n}", "lungs", n).path for n in (1, 2)]
    with pytest.raises(DataError, match="fitted to files of predictions, and the members are runs"):
        Ensemble.of(runs, fitted=file)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"method": "magic"}, "method: Input should be 'vote'"),
        ({"weights": {"m1": 1}}, "weights are not those of the members"),
        ({"fitted": {}}, "a stack goes with the method 'stack'"),
        ({"classes": ["a", "b"]}, "the stack has other classes"),
        ({"members": []}, "no ensemble as fastmed writes it"),
    ],
)
def test_a_file_that_was_changed_is_refused(
    kept: tuple[list[Path], Path], change: dict, sentence: str
) -> None:
    files, file = kept
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(DataError, match=sentence):
        Ensemble.of(files, fitted=file)


def test_what_is_no_such_file_is_refused(kept: tuple[list[Path], Path], tmp_path: Path) -> None:
    files, _ = kept
    with pytest.raises(DataError, match="there is no file"):
        Ensemble.of(files, fitted=tmp_path / "none.json")
    (tmp_path / "some.json").write_text("[1, 2")
    with pytest.raises(DataError, match="no ensemble as fastmed writes it"):
        Ensemble.of(files, fitted=tmp_path / "some.json")

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fastmed.data.tables import write_table
from fastmed.errors import DataError, RunError
from fastmed.files import write_json
from fastmed.results.comparison import compare
from fastmed.results.intervals.delong import paired_test
from fastmed.results.scores import score
from fastmed.run import FAMILY_FILE
from fastmed.taskfile import find_task

TWO, GRADES = ["false", "true"], ["No DR", "Mild", "Moderate", "Severe", "Proliferative DR"]


def made(classes: list[str], n: int, seed: int, images: int = 1, gain: float = 1.0) -> pd.DataFrame:
    """Predictions of the same images by a network of its own seed."""
    true = np.random.default_rng(1).integers(0, len(classes), n // images).repeat(images)
    rng = np.random.default_rng(seed)
    raw = rng.gamma(1.0, size=(len(true), len(classes)))
    raw[np.arange(len(true)), true] += rng.gamma(gain, size=len(true))
    scores = raw / raw.sum(axis=1, keepdims=True)
    table = pd.DataFrame({"item": [f"{place}.png" for place in range(len(true))]})
    table["group"] = [f"p{place // images}" for place in range(len(true))]
    table["target"] = np.array(classes)[true]
    table["predicted"] = np.array(classes)[scores.argmax(axis=1)]
    table[[f"score_{name}" for name in classes]] = scores
    return table


@pytest.fixture
def runs(tmp_path: Path) -> Callable[..., list[Path]]:
    """Make folders of runs of a task, each with a table of its test part."""

    def of(task: str, *tables: pd.DataFrame, part: str = "test") -> list[Path]:
        paths = []
        for place, table in enumerate(tables):
            run = tmp_path / task / f"run-{place}"
            (run / "predictions").mkdir(parents=True)
            write_json(run / "run.json", {"status": "done"})
            write_json(run / "task.json", find_task(task).model_dump(mode="json"))
            write_table(table, run / "predictions" / f"{part}.csv")
            paths.append(run)
        return paths

    return of


def test_differences_are_those_of_the_scores(runs: Callable) -> None:
    tables = [made(TWO, 120, 1), made(TWO, 120, 2, gain=2.0).sample(frac=1, random_state=0)]
    found = compare(runs("cardiomegaly", *tables))
    own = [score(table, TWO, "category") for table in tables]
    assert (found.part, found.names) == ("test", ("run-0", "run-1"))
    assert (found.images, found.patients) == (120, 120)
    by_score = {one.address: one for one in found.differences}
    one = by_score["overall", "balanced_accuracy"]
    values = [scores["overall"]["balanced_accuracy"] for scores in own]
    assert (one.other, one.value) == pytest.approx(values)
    assert one.difference == pytest.approx(values[1] - values[0])
    assert one.interval[0] < one.difference < one.interval[1]
    assert one.test == "bootstrap"
    assert one.p_holm is None


def test_tests_of_independent_patients(runs: Callable) -> None:
    first, second = made(TWO, 120, 1), made(TWO, 120, 2, gain=2.0)
    by_score = {
        one.address: one for one in compare(runs("cardiomegaly", first, second)).differences
    }
    ill = (first["target"] == "true").to_numpy()
    expected = paired_test(ill, second["score_true"].to_numpy(), first["score_true"].to_numpy())
    area = by_score["overall", "auroc"]
    assert (area.test, area.p) == ("delong", pytest.approx(expected.p))
    # The bootstrap interval of patients and DeLong's say the same.
    assert area.interval == pytest.approx((expected.low, expected.high), abs=0.02)
    assert by_score["overall", "accuracy"].test == "mcnemar"


def test_several_images_of_a_patient_have_no_such_tests(runs: Callable) -> None:
    tables = [made(TWO, 120, seed, images=4) for seed in (1, 2)]
    found = compare(runs("cardiomegaly", *tables))
    assert found.patients == 30
    assert {one.test for one in found.differences} <= {"bootstrap", ""}


def test_pairing_makes_differences_of_like_runs_narrow(runs: Callable) -> None:
    first = made(GRADES, 150, 1)
    second = first.copy()
    second.loc[:4, "predicted"] = "Severe"
    found = compare(runs("retinopathy", first, second))
    one = next(one for one in found.differences if one.address == ("overall", "kappa"))
    width = np.ptp(score(first, GRADES, "grade")["intervals"]["overall"]["kappa"])
    assert np.ptp(one.interval) < width / 2


def test_a_run_and_its_copy_differ_in_nothing(runs: Callable) -> None:
    table = made(TWO, 60, 1)
    for one in compare(runs("cardiomegaly", table, table)).differences:
        assert one.difference in (0, None)
        assert one.interval is None
        assert one.p is None


def test_several_runs_are_adjusted_by_holm(runs: Callable) -> None:
    tables = [made(TWO, 90, seed, gain=seed) for seed in (1, 2, 4)]
    paths = runs("cardiomegaly", *tables)
    found = compare(paths)
    assert found.pairs == [("run-1", "run-0"), ("run-2", "run-0")]
    areas = [one for one in found.differences if one.address == ("overall", "auroc")]
    least = min(areas, key=lambda one: one.p)
    assert least.p_holm == pytest.approx(2 * least.p)
    every = compare(paths, pairs=True)
    assert every.pairs == [("run-1", "run-0"), ("run-2", "run-0"), ("run-2", "run-1")]


def test_other_images_labels_and_classes_are_refused(runs: Callable) -> None:
    table = made(TWO, 40, 1)
    paths = runs(
        "cardiomegaly", table, table.head(30), table.assign(target=table["target"][::-1].values)
    )
    with pytest.raises(DataError, match="not scored on the same images: 10 of 40 are only in the"):
        compare(paths[:2])
    with pytest.raises(DataError, match=r"\d+ of 40 images have another label in run-2 than in"):
        compare([paths[0], paths[2]])
    grades = runs("retinopathy", made(GRADES, 40, 1))
    with pytest.raises(DataError, match="predicts other classes than"):
        compare([paths[0], grades[0]])


def test_what_is_missing_is_one_sentence(runs: Callable, tmp_path: Path) -> None:
    paths = runs("cardiomegaly", made(TWO, 40, 1), made(TWO, 40, 2), part="valid")
    with pytest.raises(
        RunError, match=r"has no predictions of 'test' \(it has 'valid'\); `fastmed"
    ):
        compare(paths)
    assert compare(paths, split="valid").part == "valid"
    with pytest.raises(RunError, match="at least two runs"):
        compare(paths[:1])
    with pytest.raises(RunError, match="a run stands twice"):
        compare([paths[0], paths[0]], split="valid")


def test_trials_of_a_family_are_compared_over_their_folds(runs: Callable, tmp_path: Path) -> None:
    (run,) = runs("cardiomegaly", made(TWO, 40, 1))
    family = tmp_path / "folds"
    (family / "predictions").mkdir(parents=True)
    (family / "task.json").write_bytes((run / "task.json").read_bytes())
    write_json(family / FAMILY_FILE, {})
    for seed, name in enumerate(("resnet18", "vgg16")):
        write_table(made(TWO, 60, seed), family / "predictions" / f"out-of-fold-{name}.csv")
    found = compare([family])
    assert (found.part, found.names) == ("out-of-fold", ("resnet18", "vgg16"))


def test_everything_is_saved_for_programs(runs: Callable, tmp_path: Path) -> None:
    found = compare(runs("cardiomegaly", made(TWO, 60, 1), made(TWO, 60, 2)))
    found.save(tmp_path / "differences.json")
    saved = json.loads((tmp_path / "differences.json").read_text())
    assert saved["runs"] == ["run-0", "run-1"]
    assert len(saved["differences"]) == len(found.table())
    assert saved["differences"][0]["score"] == "accuracy"


def test_the_figure_has_a_panel_for_each_score_and_a_line_for_each_pair(runs: Callable) -> None:
    found = compare(runs("cardiomegaly", *(made(TWO, 60, seed) for seed in (1, 2, 3))))
    figure = found.figure()
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == len(found.of("run-1", "run-0"))
    first = found.of("run-2", "run-0")[0]
    ends = [tuple(line.get_xdata()) for line in shown[0].lines]
    assert tuple(first.interval) in ends
    figure.draw_without_rendering()
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(drawn.x0, drawn.y0) >= 0
    assert (drawn.x1, drawn.y1) <= (width, height)
    assert "matplotlib.pyplot" not in sys.modules or not figure.canvas.manager

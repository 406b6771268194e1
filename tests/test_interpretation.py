import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from sklearn.metrics import confusion_matrix, recall_score

from fastmed.errors import DataError, RunError, TaskError
from fastmed.evaluation import evaluate
from fastmed.interpretation import interpret
from fastmed.run import Run

CPU = {"device": "cpu", "workers": 0}


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for axes in figure.axes for text in axes.texts)


@pytest.mark.parametrize("name", ["lungs", "retinopathy"])
def test_tables_are_scikit_learns(name: str, trained: dict[str, Run]) -> None:
    found = interpret(trained[name])
    classes = list(trained[name].task.classes)
    table = found.predictions
    matrix = confusion_matrix(table["target"], table["predicted"], labels=classes)
    assert found.confusion_matrix().to_numpy().tolist() == matrix.tolist()
    assert found.confusion_matrix().index.tolist() == classes
    recall = recall_score(
        table["target"], table["predicted"], labels=classes, average=None, zero_division=np.nan
    )
    sensitivity = found.per_class()["sensitivity"].to_numpy(dtype=float)
    np.testing.assert_allclose(sensitivity, recall)
    assert found.overall()["accuracy"] == pytest.approx(np.trace(matrix) / len(table))


def test_top_losses_are_the_largest_first(trained: dict[str, Run]) -> None:
    found = interpret(trained["lungs"])
    worst = found.top_losses(4)
    assert worst["loss"].tolist() == sorted(found.predictions["loss"], reverse=True)[:4]
    assert len(found.top_losses(10_000)) == len(found.predictions)


FIGURES = {
    "confusion_matrix", "per_class", "confused_pairs", "roc", "precision_recall",
    "score_histograms", "prediction_distribution", "curves", "reliability", "decision_curve",
    "risk_coverage", "operating_points",
}  # fmt: skip


@pytest.mark.parametrize("name", [
    "cardiomegaly", "retinopathy",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("histology", "pneumonia")),
])  # fmt: skip
def test_every_figure_that_fits_is_drawn(name: str, own_run) -> None:
    run = own_run(name)
    files = interpret(run).draw(losses=3)
    more = {"grades"} if name == "retinopathy" else set()
    assert {file.stem for file in files} == {
        f"valid_{figure}" for figure in FIGURES | more | {"top_losses", "confused_images"}
    }
    for file in files:
        assert file.parent == run.figures
        with Image.open(file) as picture:
            assert min(picture.size) > 100
            assert len(picture.convert("L").getcolors()) > 2


def test_figures_say_what_the_tables_say(trained: dict[str, Run]) -> None:
    found = interpret(trained["lungs"])
    counts = found.confusion_matrix().to_numpy().ravel()
    shown = texts(found.confusion_figure())
    assert [int(part.split("\n")[0]) for part in _cells(shown)] == counts.tolist()
    worst = found.top_losses(2)
    axes = found.top_losses_figure(2).axes
    for place, row in zip(axes, worst.to_dict("records"), strict=True):
        shown = " ".join(text.get_text() for text in place.findobj(Text))
        for told in (f"{row['loss']:.2f}", row["target"], row["predicted"]):
            assert told in shown


def _cells(shown: str) -> list[str]:
    return [line for line in shown.split("\n") if line.isdigit()]


def test_confused_pairs_are_counted_and_shown(own_run) -> None:
    found = interpret(own_run("lungs"))
    pairs, counts = found.confused_pairs(), found.confusion_matrix()
    for one in pairs.to_dict("records"):
        assert one["images"] == counts.loc[one["true"], one["predicted"]]
        assert one["share"] == one["images"] / counts.loc[one["true"]].sum()
    assert pairs["images"].sum() == len(found.predictions) - np.trace(counts)
    figure = found.confused_images_figure(pairs=2, images=3)
    seen = [axes for axes in figure.axes if axes.get_visible()]
    assert len(seen) == sum(min(count, 3) for count in pairs["images"].head(2))
    perfect = found.predictions.assign(predicted=found.predictions["target"])
    flawless = replace(found, predictions=perfect)
    assert flawless.confused_pairs().empty
    with pytest.raises(DataError, match="no image is classified wrong"):
        flawless.confused_images_figure()


def test_without_an_embedding_map_the_command_is_said(trained: dict[str, Run]) -> None:
    with pytest.raises(RunError, match="--split valid --embedding` draws it"):
        interpret(trained["lungs"]).embedding()


def test_a_part_is_predicted_only_if_it_never_was(own_run) -> None:
    run = own_run("cardiomegaly")
    assert not run.predictions_file("test").exists()
    found = interpret(run, split="test", device="cpu")
    assert len(found.predictions) == (run.items["split"] == "test").sum()
    run.weights.unlink()
    assert interpret(run, split="test").predictions.equals(found.predictions)
    assert interpret(str(run.path)).split == "valid"


@pytest.mark.slow
def test_another_set_that_was_evaluated_shows_its_own_images(own_run, tmp_path: Path) -> None:
    run = own_run("cardiomegaly")
    shutil.copytree(run.data / "test", tmp_path / "clinic")
    evaluate(run, tmp_path / "clinic", **CPU)
    found = interpret(run, split="clinic")
    assert {file.stem for file in found.draw(2)} >= {"clinic_top_losses", "clinic_roc"}
    next((tmp_path / "clinic" / "true").iterdir()).unlink()
    assert not found.predictions.empty
    names = {file.stem for file in interpret(run, split="clinic").draw(10_000)}
    assert "clinic_top_losses" not in names
    assert "clinic_confusion_matrix" in names


def test_without_the_images_only_top_losses_are_missing(
    own_run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="fastmed")
    run = own_run("lungs")
    run.update(data=str(tmp_path / "gone"))
    files = interpret(run).draw()
    assert {file.stem for file in files} == {f"valid_{figure}" for figure in FIGURES}
    assert "No figure of top losses" in caplog.text


def test_a_run_without_cut_points_shows_rounding(own_run) -> None:
    run = own_run("retinopathy")
    del run.info["cut_points"], run.info["scale"]
    shown = texts(interpret(run).grades_figure())
    assert all(f"{point:.2f}" in shown for point in (0.5, 1.5, 2.5, 3.5))


def test_categories_have_no_cut_points_to_show(trained: dict[str, Run]) -> None:
    with pytest.raises(TaskError, match="only grades have cut points"):
        interpret(trained["lungs"]).grades_figure()


def test_parts_that_are_not_there_are_one_sentence(trained: dict[str, Run]) -> None:
    with pytest.raises(RunError, match="has no test part"):
        interpret(trained["lungs"], split="test", device="cpu")
    with pytest.raises(RunError, match="has no vlaid part"):
        interpret(trained["lungs"], split="vlaid", device="cpu")


def test_rows_without_a_label_are_not_scored(own_run) -> None:
    run = own_run("lungs")
    table = run.predictions("valid")
    table.loc[table.index[0], "target"] = ""
    table.to_csv(run.predictions_file("valid"), index=False)
    assert interpret(run).scores["n"] == len(table) - 1
    assert isinstance(interpret(run).per_class(), pd.DataFrame)

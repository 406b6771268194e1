"""Ensembles of trained networks are what a family says together, torch or not."""

from pathlib import Path

import pytest
from conftest import tiny_task

from fastmed.data.tables import scores_of
from fastmed.ensembles import Ensemble
from fastmed.errors import DataError, RunError
from fastmed.families import Family, evaluate_together, train_family

CPU = {"device": "cpu", "workers": 0}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pneumonia", "retinopathy"])
def test_the_mean_of_runs_is_that_of_their_family(
    name: str, phantoms: dict[str, Path], tmp_path: Path
) -> None:
    balanced = {"balance__method": "class_weights"} if name == "pneumonia" else {}
    task = tiny_task(name, train__epochs=1, split__test=0.25, **balanced)
    archs = ["test_resnet", "test_efficientnet"]
    family = train_family(task, phantoms[name], archs=archs, runs=tmp_path, name="two", **CPU)
    expected, scores = evaluate_together(family, **CPU)
    saved = Ensemble.of([family.path])
    assert saved.members == ("test_efficientnet", "test_resnet")
    table = saved.table.set_index("item").loc[expected["item"]]
    classes = list(task.classes)
    assert scores_of(table, classes) == pytest.approx(scores_of(expected, classes), abs=1e-5)
    assert table["predicted"].tolist() == expected["predicted"].tolist()
    assert saved.judged.scores["overall"]["macro_f1"] == scores["overall"]["macro_f1"]
    images = phantoms[name]
    with pytest.raises(RunError, match="--views has no effect without --input"):
        Ensemble.of([family.path], views=["plain"])
    if name == "retinopathy":
        _predicts_anew(family, images)


def _predicts_anew(family: Family, data: Path) -> None:
    folder = data / "train_images"
    with pytest.raises(DataError, match="trained test_efficientnet, chose its epoch"):
        Ensemble.of([family.path], source=data, method="vote", **CPU)
    found = Ensemble.of([family.path], source=folder, method="vote", **CPU)
    own = [run.predictions("test") for run in family.finished.values()]
    assert found.judged is None
    assert set(own[0]["item"].str.removeprefix("train_images/")) <= set(found.table["item"])

"""Predictions of several views: their mean, their spread, and each of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fastmed.data.tables import part, score_columns
from fastmed.errors import TaskError
from fastmed.families import Family, predict_together
from fastmed.prediction.story import predict
from fastmed.run import Run

CPU = {"device": "cpu", "workers": 0}
VIEWS = ["plain", "hflip+rotate=5", "brightness=1.2", "crop_top_left=0.8"]


@pytest.mark.parametrize("name", ["lungs", "retinopathy"])
def test_each_view_says_what_it_says_alone(name: str, trained: dict[str, Run]):
    run = trained[name]
    items = part(run.items, "valid")
    table = predict(run, items, views=VIEWS, per_view=True, **CPU)
    columns = score_columns(run.task.classes)
    for view in VIEWS:
        alone = predict(run, items, views=[view], **CPU)
        assert "spread" not in alone
        np.testing.assert_allclose(
            table[[f"{column}@{view}" for column in columns]], alone[columns], atol=1e-6
        )
        if name == "retinopathy":
            np.testing.assert_allclose(table[f"value@{view}"], alone["value"], atol=1e-6)
    plain = predict(run, items, views=VIEWS, **CPU)
    pd.testing.assert_frame_equal(table[plain.columns], plain)


def test_the_spread_is_that_of_the_predicted_class(trained: dict[str, Run]):
    run = trained["lungs"]
    table = predict(run, part(run.items, "valid"), views=VIEWS, per_view=True, **CPU)
    for _, row in table.iterrows():
        said = [row[f"score_{row['predicted']}@{view}"] for view in VIEWS]
        assert row["spread"] == pytest.approx(np.std(said), abs=1e-9)
    assert table["spread"].max() > 0


def test_the_spread_of_grades_is_that_of_the_value(trained: dict[str, Run]):
    run = trained["retinopathy"]
    table = predict(run, part(run.items, "valid"), views=VIEWS, per_view=True, **CPU)
    said = table[[f"value@{view}" for view in VIEWS]].to_numpy()
    np.testing.assert_allclose(table["spread"], said.std(axis=1), atol=1e-9)
    np.testing.assert_allclose(table["value"], said.mean(axis=1), atol=1e-6)


def test_logits_are_averaged_on_request(trained: dict[str, Run]):
    run = trained["lungs"]
    items = part(run.items, "valid")
    columns = score_columns(run.task.classes)
    options = {"views": VIEWS, "calibrate": False, **CPU}
    each = predict(run, items, per_view=True, **options)
    found = predict(run, items, average="logits", **options)[columns].to_numpy()
    logs = [np.log(each[[f"{c}@{view}" for c in columns]].to_numpy()) for view in VIEWS]
    expected = np.exp(np.mean(logs, axis=0))
    np.testing.assert_allclose(found, expected / expected.sum(1, keepdims=True), atol=1e-6)
    np.testing.assert_allclose(
        predict(run, items, average="probabilities", **options)[columns], each[columns]
    )


def test_an_average_without_effect_is_refused(trained: dict[str, Run], tmp_path: Path):
    nowhere = tmp_path / "none"
    with pytest.raises(TaskError, match="average = 'logits' has no effect with one view"):
        predict(trained["lungs"], nowhere, views=["hflip"], average="logits", **CPU)
    with pytest.raises(TaskError, match="the network gives values of grades"):
        predict(trained["retinopathy"], nowhere, views=VIEWS, average="logits", **CPU)
    with pytest.raises(TaskError, match="no average of 'max'"):
        predict(trained["lungs"], nowhere, views=VIEWS, average="max", **CPU)


def test_the_same_bytes_from_a_restored_run_and_nearly_from_other_batches(
    trained: dict[str, Run], phantoms: dict[str, Path], own_run: object
):
    for name in ("lungs", "retinopathy"):
        run, source = trained[name], part(trained[name].items, "valid")
        first = predict(run, source, views=VIEWS, **CPU)
        again = predict(Run.open(run.path), source, views=VIEWS, cache=False, **CPU)
        pd.testing.assert_frame_equal(first, again, check_exact=True)
        other = own_run(name)
        info = (other.path / "task.json").read_text()
        assert '"batch": 8' in info
        (other.path / "task.json").write_text(info.replace('"batch": 8', '"batch": 3'))
        numbers = first.select_dtypes("number").columns
        batches = predict(other, source, views=VIEWS, **CPU)
        np.testing.assert_allclose(batches[numbers], first[numbers], atol=1e-5)


def test_without_a_cache_each_image_is_decoded_once(
    trained: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    counted = tmp_path / "decoded"
    counted.mkdir()
    generator = np.random.default_rng(0)
    for number in range(5):
        values = generator.integers(0, 256, (20, 20), dtype=np.uint8)
        Image.fromarray(values).save(tmp_path / f"{number}.png")
    from fastmed.data.store import decoding

    decode = decoding.decode

    def counting(place: decoding.Place, settings: object) -> decoding.Decoded:
        with (counted / f"{place.image}.txt").open("a") as file:  # processes are forked
            file.write("x")
        return decode(place, settings)

    monkeypatch.setattr(decoding, "decode", counting)
    predict(trained["lungs"], tmp_path, views=VIEWS, cache=False, **CPU)
    looks = {file.name: file.read_text() for file in counted.iterdir()}
    assert looks == {f"{number}.png.txt": "x" for number in range(5)}


@pytest.fixture(scope="module")
def family(phantoms: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Family:
    from conftest import tiny_task

    from fastmed.families import train_family

    runs, task = tmp_path_factory.mktemp("runs"), tiny_task("lungs", train__epochs=1)
    return train_family(task, phantoms["lungs"], seeds=2, runs=runs, name="seeds", **CPU)


def test_a_family_has_views_of_the_mean_of_its_runs(family: Family, phantoms: dict[str, Path]):
    source = phantoms["lungs"] / "test_images"
    together = predict_together(family, source, views=VIEWS, per_view=True, calibrate=False, **CPU)
    alone = [
        predict(run, source, views=VIEWS, per_view=True, calibrate=False, **CPU)
        for run in family.finished.values()
    ]
    columns = [column for column in together if column.startswith("score_")]
    assert len(columns) == 3 * (1 + len(VIEWS))
    np.testing.assert_allclose(
        together[columns], np.mean([one[columns] for one in alone], axis=0), atol=1e-6
    )
    for _, row in together.iterrows():
        said = [row[f"score_{row['predicted']}@{view}"] for view in VIEWS]
        assert row["spread"] == pytest.approx(np.std(said), abs=1e-9)

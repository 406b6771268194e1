import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import tiny_task
from made import listening
from PIL import Image

from fastmed.data.items import read_items
from fastmed.data.tables import part, score_columns
from fastmed.errors import DataError, FastmedError, RunError, TaskError
from fastmed.grades import round_points, to_grades
from fastmed.learn.restore import statistics_of
from fastmed.learn.views import VIEWS
from fastmed.prediction.formats import check_output, write_predictions
from fastmed.prediction.networks import network_outputs
from fastmed.prediction.story import predict
from fastmed.prediction.tables import competition_table, predictions_table
from fastmed.results.calibration.fitted import validation_of
from fastmed.results.calibration.probabilities import Calibration
from fastmed.run import Run

CPU = {"device": "cpu", "workers": 0}
GOALS = ("lungs", "retinopathy")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Seven pictures of different sizes and formats, some in a folder of their own."""
    generator = np.random.default_rng(5)
    folder = tmp_path / "new"
    (folder / "deep").mkdir(parents=True)
    for number, suffix in enumerate(["png", "jpg", "tif", "png", "bmp", "png", "png"]):
        pixels = generator.integers(0, 256, (20 + 7 * number, 40), dtype=np.uint8)
        place = folder / "deep" if number > 4 else folder
        Image.fromarray(pixels).save(place / f"p{number}.{suffix}")
    return folder


def values(table: pd.DataFrame) -> np.ndarray:
    others = ["loss", "spread"]
    return table.select_dtypes("number").drop(columns=others, errors="ignore").to_numpy()


@pytest.mark.parametrize("name", GOALS)
def test_a_folder_of_pictures_without_labels(
    name: str, trained: dict[str, Run], pictures: Path
) -> None:
    run = trained[name]
    table = predict(run, pictures, **CPU)
    columns = score_columns(run.task.classes)
    assert table["item"].tolist() == [
        "deep/p5.png", "deep/p6.png", "p0.png", "p1.jpg", "p2.tif", "p3.png", "p4.bmp",
    ]  # fmt: skip
    assert (table["target"] == "").all()
    assert table["loss"].isna().all()
    assert table["predicted"].isin(run.task.classes).all()
    np.testing.assert_allclose(table[columns].sum(axis=1), 1, rtol=1e-5)
    if name == "lungs":
        assert table["predicted"].tolist() == [
            run.task.classes[k] for k in table[columns].to_numpy().argmax(axis=1)
        ]
    else:
        decided = to_grades(table["value"].to_numpy(), np.array(run.info["cut_points"]))
        assert table["grade"].tolist() == decided.tolist()
        assert table["predicted"].tolist() == [run.task.classes[k] for k in decided]


def test_an_image_predicts_the_same_from_wherever_it_comes(
    trained: dict[str, Run], pictures: Path
) -> None:
    run = trained["lungs"]
    table = predict(run, pictures, **CPU).set_index("item")
    alone = predict(run, pictures / "p3.png", **CPU)
    assert alone["item"].tolist() == ["p3.png"]
    np.testing.assert_allclose(values(alone)[0], values(table.loc[["p3.png"]])[0], rtol=1e-5)
    (pictures / "list.csv").write_text("image\np4.bmp\np3.png\n")
    listed = predict(run, pictures / "list.csv", **CPU).set_index("item")
    assert set(listed.index) == {"p3.png", "p4.bmp"}
    np.testing.assert_allclose(values(listed), values(table.loc[listed.index]), rtol=1e-5)


def test_npz_and_its_labels(trained: dict[str, Run], phantoms: dict) -> None:
    run = trained["histology"]
    table = predict(run, phantoms["histology"] / "test.npz", **CPU)
    with np.load(phantoms["histology"] / "test.npz", allow_pickle=False) as arrays:
        labels = arrays["labels"].ravel()
    names = [run.task.classes[label] for label in labels]
    assert (
        table.sort_values("item", key=lambda c: c.str.rpartition("/")[2].astype(int))[
            "target"
        ].tolist()
        == names
    )
    row = table.iloc[0]
    assert row["loss"] == pytest.approx(-math.log(row[f"score_{row['target']}"]), rel=1e-6)


def test_losses_of_grades_are_the_tasks_own(trained: dict[str, Run]) -> None:
    run = trained["retinopathy"]
    table = predict(run, part(run.items, "valid"), **CPU)
    distance = (table["value"] - table["target"].map(run.task.classes.index)).abs()
    expected = np.where(distance < 1, distance**2 / 2, distance - 0.5)
    np.testing.assert_allclose(table["loss"], expected, rtol=1e-6)


@pytest.mark.parametrize("name", GOALS)
def test_batches_and_order_change_nothing(name: str, trained: dict[str, Run]) -> None:
    run = trained[name]
    items = part(run.items, "valid")
    learn, statistics = run.restore("cpu"), statistics_of(run)

    def outputs(batch: int, items: pd.DataFrame) -> np.ndarray:
        task = run.task.with_changes({"train.batch": batch})
        return network_outputs(learn, task, items, statistics, workers=0)

    whole = outputs(500, items)
    for batch in (2, 3, 7):
        np.testing.assert_allclose(outputs(batch, items), whole, rtol=1e-4, atol=1e-5)
    mixed = items.sample(frac=1, random_state=3)
    mixed.attrs = items.attrs
    places = [items["item"].tolist().index(item) for item in mixed["item"]]
    np.testing.assert_allclose(outputs(500, mixed), whole[places], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", GOALS)
def test_views_are_averaged_as_by_hand(name: str, trained: dict[str, Run], pictures: Path) -> None:
    run = trained[name]
    file = pictures / "deep" / "p6.png"
    pixels = Image.open(file)
    size = run.task.image.size
    square = Image.new("L", (size, size))
    scale = size / max(pixels.size)
    width, height = (round(side * scale) for side in pixels.size)
    resized = pixels.resize((width, height), Image.Resampling.BILINEAR)
    square.paste(resized, ((size - width) // 2, (size - height) // 2))
    grey = torch.tensor(np.array(square) / 255, dtype=torch.float32)
    mean, std = (torch.tensor(run.info[key])[:, None, None] for key in ("mean", "std"))
    batch = ((grey.expand(3, -1, -1) - mean) / std).unsqueeze(0)
    model = run.restore("cpu").model
    chosen = ["plain", "hflip", "rot90"]
    with torch.no_grad():
        outputs = [model(VIEWS[view](batch))[0] for view in chosen]
    raw = {"calibrate": False} if name == "lungs" else {}
    table = predict(run, file, views=chosen, **raw, **CPU)
    if name == "lungs":
        expected = torch.stack([output.softmax(0) for output in outputs]).mean(0)
        found = table[score_columns(run.task.classes)].to_numpy()[0]
    else:
        expected, found = torch.stack(outputs).mean(0), table["value"].to_numpy()
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-5)
    alone = predict(run, file, views=["plain"], **CPU)
    assert np.abs(values(alone) - values(table)).max() > 1e-6


def test_views_of_the_task_are_the_default(trained: dict[str, Run], pictures: Path) -> None:
    run = trained["histology"]
    views = run.task.predict.views
    assert len(views) > 1
    default = predict(run, pictures, **CPU)
    pd.testing.assert_frame_equal(default, predict(run, pictures, views=views, **CPU))
    assert not default.equals(predict(run, pictures, views=["plain"], **CPU))


def test_wrong_views_are_told_before_any_work(trained: dict[str, Run], tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="no view 'hflop'; did you mean 'hflip'"):
        predict(trained["lungs"], tmp_path / "none", views=["hflop"], **CPU)
    with pytest.raises(TaskError, match="a view stands twice in plain,plain"):
        predict(trained["lungs"], tmp_path / "none", views=["plain", "plain"], **CPU)


def test_a_run_is_taken_by_its_folder_too(trained: dict[str, Run], pictures: Path) -> None:
    run = trained["lungs"]
    table = predict(str(run.path), pictures / "p0.png", **CPU)
    pd.testing.assert_frame_equal(table, predict(run, pictures / "p0.png", **CPU))
    with pytest.raises(RunError, match="no run folder"):
        predict(run.path / "none", pictures, **CPU)


def test_images_of_a_split_that_were_left_out_are_not_predicted(
    trained: dict[str, Run],
) -> None:
    run = trained["lungs"]
    items = run.items.head(4)
    items.loc[items.index[0], "split"] = "left_out"
    table = predict(run, items, **CPU)
    assert table["item"].tolist() == items["item"].tolist()[1:]
    assert table["split"].tolist() == items["split"].tolist()[1:]


@pytest.mark.parametrize("workers", [0, 2])
def test_bad_images_are_named_or_left_out_and_counted(
    workers: int, trained: dict[str, Run], pictures: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (pictures / "p1.jpg").write_bytes(b"no image")
    (pictures / "p0.png").write_bytes((pictures / "p0.png").read_bytes()[:60])
    options = {"device": "cpu", "workers": workers}
    with pytest.raises(DataError, match=r"p0.png: .* \(2 of 7 images can't be read; `--skip-bad`"):
        predict(trained["lungs"], pictures, **options)
    table = predict(trained["lungs"], pictures, skip_bad=True, **options)
    assert len(table) == 5
    assert not table["item"].isin(["p0.png", "p1.jpg"]).any()
    assert "2 images that can't be read are left out" in caplog.text


def test_nothing_to_predict_is_one_sentence(trained: dict[str, Run], tmp_path: Path) -> None:
    run = trained["lungs"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no images found in"):
        predict(run, tmp_path / "empty", **CPU)
    with pytest.raises(DataError, match="there is no file or folder"):
        predict(run, tmp_path / "none", **CPU)
    (tmp_path / "empty" / "a.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="no image to predict in"):
        predict(run, tmp_path / "empty", skip_bad=True, **CPU)


def test_a_run_without_cut_points_rounds_and_says_so(
    trained: dict[str, Run], tmp_path: Path, pictures: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(trained["retinopathy"].path, tmp_path / "copy")
    run = Run.open(tmp_path / "copy")
    del run.info["cut_points"], run.info["scale"]
    run.update()
    table = predict(run, pictures, **CPU)
    assert table["grade"].tolist() == to_grades(table["value"], round_points(5)).tolist()
    assert "values are rounded" in caplog.text


def test_grades_carry_scores_around_the_cut_points() -> None:
    task = tiny_task("retinopathy")
    items = pd.DataFrame(
        {"item": ["a", "b"], "group": "", "target": ["Mild", ""], "split": ["valid", "test"]}
    )
    grading = Calibration(cut_points=np.array([0.5, 1.5, 2.5, 3.5]), scale=0.5)
    table = predictions_table(task, items, np.array([1.0, 3.9]), grading)
    sigmoid = 1 / (1 + np.exp(-(np.array([0.5, 1.5, 2.5, 3.5]) - 1.0) / 0.5))
    expected = np.diff(np.concatenate([[0], sigmoid, [1]]))
    np.testing.assert_allclose(table.loc[0, score_columns(task.classes)].tolist(), expected)
    assert table["grade"].tolist() == [1, 4]
    assert table["loss"].tolist()[0] == 0
    assert math.isnan(table["loss"][1])
    assert table["split"].tolist() == ["valid", "test"]


def test_saved_predictions_read_back_equal(
    trained: dict[str, Run], tmp_path: Path, pictures: Path
) -> None:
    from fastmed.data.tables import read_table

    for name in GOALS:
        table = predict(trained[name], pictures, **CPU)
        write_predictions(table, tmp_path / "out.csv")
        np.testing.assert_array_equal(values(read_table(tmp_path / "out.csv")), values(table))


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("out.xlsx", "written as .csv, .json, .npz, .parquet, not '.xlsx'"),
        ("out", "written as .csv"),
        ("dir.csv", "is a folder"),
        ("file/deep/out.csv", "file' is no folder that can be written into"),
    ],
)
def test_output_is_checked_before_any_work(file: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "dir.csv").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(FastmedError, match=sentence):
        check_output(tmp_path / file)


def test_output_is_made_with_its_folders(tmp_path: Path) -> None:
    table = pd.DataFrame({"item": ["a"]})
    write_predictions(table, tmp_path / "deep" / "er" / "out.csv")
    assert pd.read_csv(tmp_path / "deep" / "er" / "out.csv").equals(table)


COMPETITIONS = {
    "lungs": (["image", "label"], ["x.png", "y.z.png"]),
    "retinopathy": (["id_code", "diagnosis"], ["x", "y.z"]),
    "pneumonia": (["patientId", "class"], ["x", "y.z"]),
    "cardiomegaly": (["image", "label"], ["x.png", "y.z.png"]),
}


@pytest.mark.parametrize("name", COMPETITIONS)
def test_competition_tables_are_written_as_the_task_writes_its_own(name: str) -> None:
    task = tiny_task(name)
    columns, names = COMPETITIONS[name]
    table = pd.DataFrame(
        {"item": ["test_images/x.png", "test_images/y.z.png"], "predicted": task.classes[1::-1]}
    )
    numbers = competition_table(task, table, "number")
    assert numbers.columns.tolist() == columns
    assert numbers.iloc[:, 0].tolist() == names
    assert numbers.iloc[:, 1].tolist() == [1, 0]
    by_name = competition_table(task, table, "name")
    assert by_name.iloc[:, 1].tolist() == [task.classes[1], task.classes[0]]


def test_a_copy_of_the_data_predicts_what_the_training_did(
    trained: dict[str, Run], phantoms: dict, tmp_path: Path
) -> None:
    """The whole data folder, in the task's own layout, gives each image its own prediction."""
    for name in ("lungs", "pneumonia"):
        run = trained[name]
        shutil.copytree(phantoms[name], tmp_path / name)
        table = predict(run, tmp_path / name, calibrate=False, **CPU).set_index("item")
        valid = validation_of(run).table.set_index("item")
        assert set(read_items(run.task, tmp_path / name)["item"]) == set(table.index)
        columns = score_columns(run.task.classes)
        np.testing.assert_allclose(
            table.loc[valid.index, columns], valid[columns], rtol=1e-4, atol=1e-5
        )
        assert table.loc[valid.index, "target"].tolist() == valid["target"].tolist()


def test_images_of_another_kind_are_told(trained: dict[str, Run], tmp_path: Path):
    run = trained["histology"]
    usual = predict(run, part(run.items, "valid"), device="cpu", workers=0)
    assert (usual["unlike"] == "").mean() > 0.8
    assert (usual["distance"] <= 1).mean() > 0.95
    noise = np.random.default_rng(0).integers(0, 256, (200, 100, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    with listening() as told:
        strange = predict(run, tmp_path, device="cpu", workers=0)
    assert {"size", "aspect", "content"} <= set(strange["unlike"].iloc[0].split(", "))
    assert strange["distance"].iloc[0] > 1
    assert "1 of 1 images are unlike the training images" in told.text


def test_a_run_that_knows_nothing_of_its_training_images_predicts(own_run: Callable[[str], Run]):
    run = own_run("lungs")
    run.forget("likeness")
    table = predict(run, part(run.items, "valid"), device="cpu", workers=0)
    assert "unlike" not in table

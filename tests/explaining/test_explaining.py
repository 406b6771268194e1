"""Heat maps of runs: one image, those of a part, and what checks say of them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import tiny_task
from made import write_dicom
from PIL import Image

from fastmed.data.pseudonyms import hide_items, write_items
from fastmed.data.tables import items_table, read_table
from fastmed.errors import DataError, ModelError, TaskError
from fastmed.explaining import Checks, Explanation, draw_heatmaps, explain, read_checks, read_index
from fastmed.explaining.checks import boxes_on_square
from fastmed.explaining.one import find_item
from fastmed.prediction.story import predict
from fastmed.run import Run
from fastmed.settings.heatmaps import METHOD_NAMES
from fastmed.training.train import train

NETWORK = """
from torch import nn

class Net(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.ReLU(), nn.Flatten())
        self.last = nn.LazyLinear(outputs)

    def forward(self, images):
        return self.last(self.layers(images))
"""


def of(run: Run, place: int = 0) -> str:
    return run.predictions("valid")["item"].iloc[place]


@pytest.mark.parametrize("method", METHOD_NAMES)
def test_an_image_comes_with_its_prediction(method: str, trained: dict[str, Run]) -> None:
    run = trained["lungs"]
    found = explain(run, run.data / of(run), method=method, device="cpu")
    row = run.items[run.items["item"] == of(run)]
    expected = predict(run, row.assign(), device="cpu").iloc[0]
    pd.testing.assert_series_equal(found.prediction, expected, check_names=False)
    assert found.explained == expected["predicted"]
    assert found.prediction["target"] == row["target"].iloc[0]
    assert found.heat.shape == (32, 32)
    assert 0 <= found.heat.min() <= found.heat.max() <= 1
    assert isinstance(found, Explanation)


def test_a_class_can_be_named_and_maps_differ(trained: dict[str, Run]) -> None:
    run = trained["lungs"]
    one, two = (
        explain(run, of(run), method="occlusion", of_class=name, device="cpu")
        for name in run.task.classes[:2]
    )
    assert [one.explained, two.explained] == list(run.task.classes[:2])
    assert not np.array_equal(one.heat, two.heat)
    with pytest.raises(TaskError, match="did you mean 'healthy'"):
        explain(run, of(run), of_class="healty", device="cpu")


def test_another_image_than_the_runs_own(trained: dict[str, Run], tmp_path: Path) -> None:
    Image.fromarray(np.full((20, 60), 90, np.uint8)).save(tmp_path / "new.png")
    found = explain(trained["retinopathy"], tmp_path / "new.png", method="occlusion", device="cpu")
    assert found.prediction["target"] == ""
    assert found.explained == "value"
    assert found.on_image().shape == (20, 60)


def test_the_map_goes_back_onto_the_image(trained: dict[str, Run], tmp_path: Path) -> None:
    """Of a wide image the bars of the letterbox are gone, and no place is lost."""
    pixels = np.zeros((30, 90), np.uint8)
    pixels[:, 60:] = 200
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    found = explain(trained["lungs"], tmp_path / "wide.png", method="occlusion", device="cpu")
    covered = found.placement.covered()
    assert covered.sum() == 32 * 11
    assert found.beside == pytest.approx(found.heat[~covered].sum() / found.heat.sum())
    assert np.nanmax(found.on_image()) == pytest.approx(found.heat[covered].max(), abs=0.05)


def test_rows_of_arrays_are_named(trained: dict[str, Run]) -> None:
    run = trained["histology"]
    found = explain(run, run.data / "test.npz" / "data" / "2", device="cpu")
    assert found.prediction["item"] == "test.npz/data/2"
    with pytest.raises(DataError, match=r"names no image: .* holds \d+, such as .*npz/data/0"):
        explain(run, run.data / "test.npz", device="cpu")
    with pytest.raises(DataError, match="names no image"):
        explain(run, run.data / "test.npz" / "data" / "9999", device="cpu")


def test_the_runs_own_row_is_found_behind_its_pseudonym(
    own_run: Callable[[str], Run], tmp_path: Path
) -> None:
    run = own_run("lungs")
    place = run.items["image"].iloc[0]
    hidden = hide_items(run.items)
    write_items(hidden, run.path / "items.csv")
    for name in (run.data / place, hidden["item"].iloc[0]):
        row = find_item(run, name)
        assert row["item"].tolist() == [hidden["item"].iloc[0]]
        assert row["image"].tolist() == [place]
    assert place not in (run.path / "items.csv").read_text()


def test_what_is_no_image_is_one_sentence(trained: dict[str, Run], tmp_path: Path) -> None:
    run = trained["lungs"]
    with pytest.raises(DataError, match="there is no file .* did you mean"):
        explain(run, of(run)[:-5] + "9.png", device="cpu")
    with pytest.raises(DataError, match="one is explained at a time"):
        explain(run, run.data, device="cpu")
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="broken.png"):
        explain(run, tmp_path / "broken.png", device="cpu")
    with pytest.raises(TaskError, match="did you mean 'gradcam'"):
        explain(run, of(run), method="grad_cam", device="cpu")


def test_figures_index_and_predictions(own_run: Callable[[str], Run]) -> None:
    run = own_run("lungs")
    before = run.predictions_file("valid").read_bytes()
    found = draw_heatmaps(run, count=3, device="cpu")
    assert run.predictions_file("valid").read_bytes() == before
    files = sorted(file.name for file in found.folder.iterdir())
    figures = [f"valid_gradcam_{n:03d}.png" for n in range(1, 4)]
    assert files == ["index.csv", "unnamed", *figures]
    assert sorted(file.name for file in (found.folder / "unnamed").iterdir()) == figures
    index = read_index(run)
    assert index["file"].tolist() == figures
    assert set(index["item"]) <= set(run.predictions("valid")["item"])
    assert (index["explained"] == index["predicted"]).all()
    assert (index["score"] > 0.3).all()
    assert index["value"].isna().all()


def test_a_second_drawing_takes_the_place_of_the_first(own_run: Callable[[str], Run]) -> None:
    run = own_run("retinopathy")
    draw_heatmaps(run, count=2, device="cpu", checks=Checks(faithfulness=True))
    draw_heatmaps(run, count=1, method="hirescam", device="cpu")
    draw_heatmaps(run, count=1, device="cpu")
    names, unnamed = (
        {file.name for file in (run.path / "heatmaps").glob(kind)} for kind in ("*.png", "*/*.png")
    )
    assert names == unnamed == {"valid_gradcam_001.png", "valid_hirescam_001.png"}
    index = read_index(run)
    assert set(index["file"]) == names
    assert index["value"].notna().all()
    assert read_checks(run) == {}, "what was said of the two maps is gone with them"


def test_checks_are_kept(own_run: Callable[[str], Run]) -> None:
    run = own_run("pneumonia")
    wanted = Checks(sanity=True, faithfulness=True, pointing=True)
    found = draw_heatmaps(run, count=2, method="hirescam", device="cpu", checks=wanted)
    kept = json.loads((run.path / "heatmaps" / "checks.json").read_text())
    assert kept == read_checks(run)
    assert kept["valid"]["hirescam"] == json.loads(json.dumps(found.checks))
    assert kept["valid"]["hirescam"]["sanity"]["steps"][-1]["lost"] == 1
    boxed = run.predictions("valid")["target"].eq("Lung Opacity").sum()
    assert kept["valid"]["hirescam"]["pointing"]["n"] == boxed


def test_boxes_go_with_the_image_into_the_square(trained: dict[str, Run]) -> None:
    """A phantom of 32 pixels becomes 64, of which the middle 48 are seen."""
    run = trained["pneumonia"]
    task = run.task.with_changes({"image.size": 48, "image.fit": "crop", "image.resize": 64})
    boxes = {item: np.array([[8.0, 2.0, 16.0, 20.0]]) for item in run.items["item"]}
    found, covered = next(iter(boxes_on_square(task, run.items, boxes)))
    np.testing.assert_allclose(found, [[8, 0, 24, 32]])
    assert covered.all()


def test_boxes_go_with_oblong_pixels(tmp_path: Path) -> None:
    """Pixels twice as tall as wide are seen as two, one above the other."""
    file = tmp_path / "oblong.dcm"
    write_dicom(file, np.full((20, 40), 100, np.uint8), PixelSpacing=["2", "1"])
    task = tiny_task("pneumonia", image__size=40)
    items = items_table(pd.DataFrame({"item": [file.name], "image": [file.name]}), tmp_path)
    found, _ = next(iter(boxes_on_square(task, items, {file.name: np.array([[5, 5, 10, 15.0]])})))
    np.testing.assert_allclose(found, [[5, 10, 10, 30]])


def test_pointing_needs_boxes(own_run: Callable[[str], Run]) -> None:
    run = own_run("lungs")
    with pytest.raises(DataError, match="names no table of boxes"):
        draw_heatmaps(run, device="cpu", checks=Checks(pointing=True))
    assert not (run.path / "heatmaps").exists()


def test_metadata_takes_part(phantoms: dict[str, Path], tmp_path: Path) -> None:
    task = tiny_task("pneumonia", meta=["age", "sex"], train__epochs=1)
    run = train(task, phantoms["pneumonia"], runs=tmp_path, device="cpu", workers=0)
    known = run.items[run.items["item"] == of(run)]
    other = known.assign(meta_age=99, meta_sex="F")
    other.attrs = known.attrs
    one, two = (explain(run, row, device="cpu").prediction for row in (known, other))
    assert not one.filter(like="score_").equals(two.filter(like="score_"))


def test_a_whole_network_is_explained_without_a_map(
    phantoms: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(NETWORK)
    task = tiny_task("lungs", train__arch=str(tmp_path / "net.py"), train__epochs=1)
    run = train(task, phantoms["lungs"], runs=tmp_path / "runs", device="cpu", workers=0)
    with pytest.raises(ModelError, match="whole network .* 'occlusion', 'integrated_gradients'"):
        explain(run, of(run), device="cpu")
    assert explain(run, of(run), method="occlusion", device="cpu").places is None


def test_images_that_are_gone_are_one_sentence(
    own_run: Callable[[str], Run], tmp_path: Path
) -> None:
    run = own_run("lungs")
    run.update(data=str(tmp_path / "gone"))
    with pytest.raises(DataError, match="can't be read"):
        draw_heatmaps(run, count=2, device="cpu")
    assert not (run.path / "heatmaps").exists()


def test_another_set_that_was_evaluated(own_run: Callable[[str], Run], tmp_path: Path) -> None:
    from fastmed.evaluation import evaluate

    run = own_run("cardiomegaly")
    shutil.copytree(run.data / "test", tmp_path / "clinic")
    evaluate(run, tmp_path / "clinic", device="cpu", workers=0)
    index = draw_heatmaps(run, split="clinic", count=1, device="cpu").index
    assert index["file"].iloc[0] == "clinic_gradcam_001.png"
    assert len(read_table(run.path / "heatmaps" / "index.csv")) == 1

"""Exports: refused, checked, written as one file that predicts without fastmed."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import tiny_task
from PIL import Image

from fastmed.data.operations.background import foreground_box as own_box
from fastmed.data.tables import part, root_of, scores_of
from fastmed.errors import DataError, MissingExtraError, ModelError, TaskError
from fastmed.exporting import export, story
from fastmed.exporting.about import ABOUT, CARD
from fastmed.exporting.extra import check_onnx
from fastmed.exporting.parity import Check, images_of, refuse_if_apart
from fastmed.prediction.story import predict
from fastmed.run import Run
from fastmed.training.train import train

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"

REFUSED = {
    "int8 of pt2": ({"form": "pt2", "precision": "int8"}, "goes with --format onnx"),
    "another format": ({"form": "onx"}, "there is no format 'onx'; did you mean 'onnx'"),
    "another precision": ({"precision": "fp8"}, "there is no precision 'fp8'"),
    "another suffix": ({"out": "model.pt2"}, "should end in .onnx"),
    "ranges of fp32": ({"ranges": "x"}, "--ranges has no effect without --precision int8"),
    "no tolerance": ({"tolerance": 0.0}, "--tolerance 0 is not between 0 and 1"),
    "no view": ({"views": ["hflp"]}, "did you mean 'hflip'"),
    "an average of one": ({"average": "logits"}, "no effect with one view"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_options_without_effect_are_refused(name, trained):
    options, sentence = REFUSED[name]
    with pytest.raises(TaskError, match=sentence):
        export(trained["lungs"], **{"views": ["plain"], **options})


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("fastmed.exporting.extra.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "fastmed\[onnx\]"'):
        check_onnx()


def test_a_difference_is_an_error():
    refuse_if_apart(Check("images", 3, 0.0009, 0), 0.001, "fp32")
    with pytest.raises(ModelError, match="differ from the run's by up to 0.01 in 3 images"):
        refuse_if_apart(Check("images", 3, 0.01, 0), 0.001, "fp32")


def test_images_are_made_up_where_none_are_left(own_run, caplog):
    run = own_run("pneumonia")
    run.update(data="nowhere")
    with images_of(run, None, 32) as images:
        assert images.made_up
        assert len(images.items) == 8
        assert len(predict(run, images.items, device="cpu", workers=0, cache=False)) == 8
    assert "checked on made-up ones" in caplog.text


def test_int8_needs_images(own_run):
    run = own_run("lungs")
    run.update(data="nowhere")
    with pytest.raises(DataError, match="no training images here"):
        story._measured(run, None)


def test_a_run_is_checked_on_its_validation_part(trained):
    with images_of(trained["lungs"], None, 5) as images:
        assert images.what == "images of the validation part"
        assert len(images.items) == 5
        assert set(images.items["split"]) == {"valid"}


@pytest.fixture(scope="module")
def grader(phantoms, tmp_path_factory) -> Run:
    task = tiny_task("retinopathy", train__loss="corn", image__operations=["crop_background"])
    runs = tmp_path_factory.mktemp("runs")
    return train(task, phantoms["retinopathy"], runs=runs, device="cpu", workers=0)


@pytest.fixture(scope="module")
def with_metadata(phantoms, tmp_path_factory) -> Run:
    task = tiny_task("pneumonia", meta=["age", "sex"])
    runs = tmp_path_factory.mktemp("runs")
    return train(task, phantoms["pneumonia"], runs=runs, device="cpu", workers=0)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["onnx", "pt2"])
def test_metadata_and_images_go_into_one_file(form, with_metadata, tmp_path):
    made = export(with_metadata, tmp_path / f"model.{form}", form=form)
    assert made.check.difference < 1e-3
    assert [one["name"] for one in made.about["inputs"]] == ["images", "meta_age", "meta_sex"]
    content = made.path.read_bytes()
    places = (with_metadata.data, with_metadata.path, "site-packages", tmp_path)
    assert not [place for place in places if str(place).encode() in content]


@pytest.mark.slow
def test_the_example_predicts_what_the_run_does(grader, tmp_path):
    made = export(grader, tmp_path / "model.onnx")
    valid = part(grader.items, "valid").head(3)
    files = [str(root_of(valid) / name) for name in valid["image"]]
    own = predict(grader, valid, device="cpu", workers=0)
    said = subprocess.run(
        [sys.executable, EXAMPLES / "predict_onnx.py", made.path, *files],
        capture_output=True, text=True, check=True, cwd=EXAMPLES,
    ).stdout  # fmt: skip
    lines = said.splitlines()[1:]
    assert "not a medical device" in said
    for line, row, scores in zip(
        lines, own["predicted"], scores_of(own, grader.task.classes), strict=True
    ):
        found = json.loads(line[line.index("{") : line.index("}") + 1].replace("'", '"'))
        np.testing.assert_allclose(list(found.values()), scores, atol=2e-3)
        assert row in line


@pytest.mark.slow
def test_fewer_bits_cost_little_and_it_is_said(trained, tmp_path, command):
    run = trained["lungs"]
    for precision in ("fp16", "int8"):
        said = command(
            "export", run.path, "--precision", precision, "--out", tmp_path / f"{precision}.onnx"
        )
        assert said.code == 0, said.err
        assert f"What {precision} costs" in said.out
        assert "balanced accuracy" in said.out
    full = export(run, tmp_path / "full.onnx").path.stat().st_size
    small = (tmp_path / "int8.onnx").stat().st_size
    assert small < 0.6 * full


@pytest.mark.slow
def test_a_file_that_says_something_else_is_not_kept(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("fastmed.exporting.whole.Whole._normalized", lambda self, images: images)
    with pytest.raises(ModelError, match="it is not kept"):
        export(trained["lungs"], tmp_path / "model.pt2", form="pt2", tolerance=1e-5)
    assert not [*tmp_path.iterdir()]


@pytest.mark.slow
def test_a_file_holds_its_card_and_its_classes(trained, tmp_path):
    from fastmed.exporting.onnx_file import properties_of

    run = trained["lungs"]
    texts = properties_of(export(run, tmp_path / "model.onnx").path)
    assert json.loads(texts["classes.json"]) == list(run.task.classes)
    assert json.loads(texts[ABOUT])["check"]["largest_difference"] < 1e-3
    assert texts[CARD].startswith("# Model card")


def test_the_examples_find_the_same_background(phantoms, monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from before import foreground_box

    for file in sorted((phantoms["retinopathy"]).rglob("*.jpeg"))[:6]:
        picture = Image.open(file).convert("RGB").resize((300, 220))
        own = own_box(np.asarray(picture), 0.02)
        found = foreground_box(picture, 0.02)
        assert (own is None) == (found is None)
        if own is not None:
            top, bottom, left, right = own
            assert np.abs(np.subtract(found, (left, top, right, bottom))).max() <= 3


def test_the_examples_do_what_pillow_does(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from before import prepared

    from fastmed.data.operations.fixed import operate
    from fastmed.data.operations.transform import RESAMPLING
    from fastmed.settings.image import ImageSettings

    names = ["invert", "brightness=1.3", "contrast=0.7", "sharpness=2", "resize=40", "grayscale"]
    settings = ImageSettings(operations=names)
    pixels = np.random.default_rng(0).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    expected = operate(pixels, settings.operations, RESAMPLING["bilinear"])
    before = {"operations": settings.model_dump(mode="json")["operations"]}
    found = prepared(Image.fromarray(pixels), before, {"interpolation": "bilinear"})
    assert (np.asarray(found)[..., 0] == expected).all()
    before = {"operations": [{"name": "clahe", "amount": 2}]}
    with pytest.raises(ValueError, match="clahe needs OpenCV"):
        prepared(found, before, {"interpolation": "nearest"})

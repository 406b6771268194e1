from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from conftest import tiny_task
from fastai.learner import Learner
from matplotlib import pyplot as plt
from safetensors.torch import save_file

from fastmed.data.items import read_items
from fastmed.data.tables import part
from fastmed.errors import ModelError
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.learner import check_weights, learner
from fastmed.learn.network.groups import backbone_of
from fastmed.task import Task

GOALS = ("lungs", "retinopathy")


def quiet_learner(task: Task, root: Path) -> tuple[Learner, pd.DataFrame]:
    items = read_items(task, root)
    learn = learner(task, dataloaders(task, items, device="cpu", workers=0))
    learn.remove_cb(learn.progress)
    learn.logger = lambda row: None
    return learn, items


@pytest.mark.parametrize("name", GOALS)
def test_fastais_own_verbs_work(
    name: str, phantoms: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    learn, items = quiet_learner(tiny_task(name), phantoms[name])
    before = [p.detach().clone() for p in learn.model.parameters()]
    found = learn.lr_find(num_it=8, show_plot=False)
    assert 0 < found.valley < 10
    pairs = zip(before, learn.model.parameters(), strict=True)
    assert all(torch.equal(old, new) for old, new in pairs)
    learn.fine_tune(1, 1e-3)
    assert len(learn.recorder.values) == 1
    assert all(np.isfinite(learn.recorder.values[-1]))
    learn.show_results(max_n=4)
    titles = [axes.get_title().split("\n") for axes in plt.gcf().axes]
    plt.close("all")
    assert [len(title) for title in titles] == [2] * 4
    names = tiny_task(name).classes if name == "lungs" else "01234"
    assert {true for true, _ in titles} <= set(names)
    outputs, targets = learn.get_preds()
    assert len(outputs) == len(targets) == (items["split"] == "valid").sum()


@pytest.mark.parametrize("name", GOALS)
def test_predict_of_one_file_is_what_get_preds_says(name: str, phantoms: dict) -> None:
    task = tiny_task(name)
    learn, items = quiet_learner(task, phantoms[name])
    every, _ = learn.get_preds()
    for place, row in enumerate(part(items, "valid").head(2).to_dict("records")):
        decided, number, output = learn.predict(phantoms[name] / row["image"])
        torch.testing.assert_close(output, every[place], rtol=1e-5, atol=1e-6)
        if name == "lungs":
            assert decided == task.classes[every[place].argmax()] == task.classes[number]
        else:
            assert float(output) == pytest.approx(float(np.ravel(decided)[0]), rel=1e-5)


def test_predict_takes_pixels_too(phantoms: dict) -> None:
    task = tiny_task("lungs")
    learn, _ = quiet_learner(task, phantoms["lungs"])
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30), dtype=np.uint8)
    decided, _, scores = learn.predict(pixels)
    assert decided in task.classes
    assert float(scores.sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("opt", ["adam", "adamw", "adamax", "sgd", "rmsprop"])
def test_every_optimizer_trains_frozen_and_whole(opt: str, phantoms: dict) -> None:
    task = tiny_task("lungs", train__opt=opt, train__weight_decay=0.01)
    learn, _ = quiet_learner(task, phantoms["lungs"])
    body = backbone_of(learn.model).net
    convolution = next(p for p in body.parameters() if p.ndim == 4)
    start = convolution.detach().clone()
    learn.freeze()
    learn.fit_one_cycle(1, 1e-3)
    assert torch.equal(convolution, start)
    learn.unfreeze()
    learn.fit_one_cycle(1, 1e-3)
    assert not torch.equal(convolution, start)
    assert all(torch.isfinite(p).all() for p in learn.model.parameters())
    assert learn.opt.hypers[0]["wd"] == 0.01


def test_class_weights_are_of_the_training_part(phantoms: dict) -> None:
    task = tiny_task("pneumonia", balance__method="class_weights")
    learn, items = quiet_learner(task, phantoms["pneumonia"])
    counts = part(items, "train")["target"].value_counts()
    weights = [len(part(items, "train")) / (3 * counts[name]) for name in task.classes]
    assert learn.loss_func.func.weight.tolist() == pytest.approx(weights)
    assert len(set(weights)) > 1


def test_body_starts_from_a_file_and_head_does_not(phantoms: dict, tmp_path: Path) -> None:
    torch.manual_seed(3)
    source = timm.create_model("test_resnet", num_classes=5)
    save_file(source.state_dict(), tmp_path / "w.safetensors")
    task = tiny_task(
        "lungs", train__pretrained=True, train__weights=str(tmp_path / "w.safetensors")
    )
    learn, _ = quiet_learner(task, phantoms["lungs"])
    given = dict(source.named_parameters())
    body = dict(backbone_of(learn.model).net.named_parameters())
    assert set(body) < set(given)
    assert all(torch.equal(value, given[name]) for name, value in body.items())
    assert learn.model[1][-1].out_features == 3


def test_same_weights_predict_the_same_whether_called_pretrained_or_not(
    phantoms: dict, tmp_path: Path
) -> None:
    """fastai's own `vision_learner` normalises only what it calls pretrained."""
    torch.manual_seed(3)
    save_file(timm.create_model("test_resnet").state_dict(), tmp_path / "w.safetensors")
    file = str(tmp_path / "w.safetensors")
    one, _ = quiet_learner(
        tiny_task("lungs", train__pretrained=True, train__weights=file), phantoms["lungs"]
    )
    other, _ = quiet_learner(tiny_task("lungs"), phantoms["lungs"])
    assert not torch.equal(one.get_preds()[0], other.get_preds()[0])
    other.model.load_state_dict(one.model.state_dict())
    assert torch.equal(one.get_preds()[0], other.get_preds()[0])


def test_weights_are_checked_before_any_work(tmp_path: Path) -> None:
    check_weights(tiny_task("lungs"))
    lost = str(tmp_path / "none.pth")
    with pytest.raises(ModelError, match="no weights file"):
        check_weights(tiny_task("lungs", train__pretrained=True, train__weights=lost))

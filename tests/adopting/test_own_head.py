"""A timm network with its own pooling and classifier, trained as any other."""

import pytest
import torch
from conftest import tiny_task

from fastmed.data.tables import part
from fastmed.errors import ModelError, TaskError
from fastmed.learn.network.backbone import OwnHead
from fastmed.learn.network.body import make_body
from fastmed.learn.network.groups import layer_groups
from fastmed.prediction.story import predict
from fastmed.training.train import train

OWN = {"head": {"own": True}, "train__epochs": 1}


@pytest.mark.parametrize("arch", ["test_resnet", "test_vit"])
def test_it_trains_and_is_restored(arch, phantoms, tmp_path):
    task = tiny_task("lungs", train__arch=arch, **OWN)
    run = train(task, phantoms["lungs"], runs=tmp_path, device="cpu", workers=0)
    table = predict(run, part(run.items, "valid"), device="cpu", workers=0)
    own = run.predictions("valid")
    assert (table["item"].to_numpy() == own["item"].to_numpy()).all()
    assert (table["predicted"].to_numpy() == own["predicted"].to_numpy()).all()


def test_its_classifier_learns_as_a_head_does():
    body = make_body(tiny_task("lungs", **OWN), download=False)
    model = torch.nn.Sequential(body, OwnHead(body))
    early, late, head = layer_groups(model)
    assert {tuple(value.shape) for value in head} == {(3, body.features), (3,)}
    assert len(early) + len(late) + len(head) == len(list(model.parameters()))


def test_each_weight_stands_once():
    body = make_body(tiny_task("lungs", **OWN), download=False)
    model = torch.nn.Sequential(body, OwnHead(body))
    assert len(model.state_dict()) == len(body.net.state_dict())


REFUSED = {
    "another pool": ({"head": {"own": True, "pool": "avg"}}, "head.*no effect with own = true"),
    "metadata": ({**OWN, "meta": ["age"]}, "leaves no place for metadata"),
    "metadata alone": (
        {**OWN, "train__arch": "metadata", "meta": ["age"]}, "no effect with train.arch",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_have_no_effect_is_refused(name):
    changes, sentence = REFUSED[name]
    with pytest.raises(TaskError, match=sentence):
        tiny_task("pneumonia", **changes)


def test_steps_of_coral_are_refused():
    with pytest.raises(TaskError, match="take corn"):
        tiny_task("retinopathy", train__loss="coral", **OWN)


def test_networks_without_a_classifier_are_refused():
    with pytest.raises(ModelError, match="has no classifier of its own"):
        make_body(tiny_task("lungs", train__arch="lungs_cnn", **OWN), download=False)


def test_a_training_starts_from_its_body(phantoms, tmp_path):
    first = train(
        tiny_task("lungs", **OWN), phantoms["lungs"], runs=tmp_path, device="cpu", workers=0,
        name="own",
    )  # fmt: skip
    changes = {"train__weights": str(first.path), "train__pretrained": True, "train__epochs": 1}
    second = train(
        tiny_task("lungs", **changes), phantoms["lungs"], runs=tmp_path, device="cpu", workers=0,
        name="second",
    )  # fmt: skip
    assert second.status == "done"
    assert not second.task.head.own

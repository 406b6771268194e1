"""Going on from a run: what is taken over, and what is refused."""

import shutil
from pathlib import Path

import pytest
import torch
from conftest import tiny_task
from safetensors.torch import load_file

from fastmed.data.items import read_items
from fastmed.errors import FastmedError, ModelError, RunError
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.learner import learner
from fastmed.learn.network.continuation import check_start, weights_file
from fastmed.run import Run
from fastmed.task import Task
from fastmed.training.train import train

META = ("age", "sex")
CPU = {"device": "cpu", "workers": 0}


@pytest.fixture(scope="module")
def runs(phantoms: dict, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A run of images, of images and metadata, and of metadata."""
    folder = tmp_path_factory.mktemp("runs")
    changes = {
        "image": {},
        "both": {"meta": META},
        "metadata": {"meta": META, "train__arch": "metadata"},
    }
    return {
        name: train(
            tiny_task("pneumonia", train__epochs=1, **given), phantoms["pneumonia"],
            runs=folder, name=name, **CPU,
        )
        for name, given in changes.items()
    }  # fmt: skip


def network(start: Run, root: Path, **changes: object) -> torch.nn.Module:
    """Return the untrained network of a task that starts from a run."""
    given = {"train__pretrained": True, "train__weights": str(start.path), **changes}
    task = tiny_task("pneumonia", **given)
    items = read_items(task, root)
    torch.manual_seed(9)
    return learner(task, dataloaders(task, items, **CPU)).model


def taken_over(net: torch.nn.Module, start: Run) -> set[str]:
    """Return the names of the weights that equal the run's."""
    given = {name.removeprefix("image."): value for name, value in load_file(start.weights).items()}
    own = {name.removeprefix("image."): value for name, value in net.state_dict().items()}
    return {name for name in own if name in given and torch.equal(own[name], given[name])}


def names(net: torch.nn.Module) -> set[str]:
    return {name.removeprefix("image.") for name in net.state_dict()}


def test_a_fusion_net_starts_from_body_and_head_of_an_image_run(
    runs: dict[str, Run], phantoms: dict, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="fastmed")
    net = network(runs["image"], phantoms["pneumonia"], meta=META)
    new = {name for name in names(net) if name.startswith(("branch.", "join."))}
    assert taken_over(net, runs["image"]) == names(net) - new
    assert "The backbone starts from" in caplog.text
    assert "Of the head's 19 weights 14 start from there, too." in caplog.text
    restored = runs["image"].restore("cpu")
    images = torch.randn(4, 3, 32, 32)
    with torch.no_grad():
        expected = restored.model(images)
        assert torch.equal(net.eval()(images, torch.zeros(4, 5)), expected)


def test_a_run_of_the_same_network_goes_on_as_it_was(runs: dict[str, Run], phantoms: dict) -> None:
    for name, meta in (("image", ()), ("both", META)):
        net = network(runs[name], phantoms["pneumonia"], meta=meta)
        assert taken_over(net, runs[name]) == names(net)


def test_an_image_net_starts_from_a_fusion_run(runs: dict[str, Run], phantoms: dict) -> None:
    net = network(runs["both"], phantoms["pneumonia"])
    assert taken_over(net, runs["both"]) == names(net)


def test_what_means_something_else_is_not_taken_over(runs: dict[str, Run], phantoms: dict) -> None:
    """The shapes of all of these fit."""
    net = network(runs["both"], phantoms["pneumonia"], meta=("sex", "age"))
    left = names(net) - taken_over(net, runs["both"])
    assert {name.partition(".")[0] for name in left} == {"branch", "join"}
    renamed = {"Lung Opacity": "Pneumonia"}
    classes = ["Normal", "Pneumonia", "No Lung Opacity / Not Normal"]
    net = network(runs["image"], phantoms["pneumonia"], classes=classes, source__rename=renamed)
    assert names(net) - taken_over(net, runs["image"]) == {"1.7.weight", "1.7.bias"}


def test_another_head_takes_over_what_fits(runs: dict[str, Run], phantoms: dict) -> None:
    net = network(runs["image"], phantoms["pneumonia"], head={"hidden": [16]})
    left = names(net) - taken_over(net, runs["image"])
    hidden = {"1.3.weight", "1.3.bias"}
    normalised = {f"1.5.{name}" for name in ("weight", "bias", "running_mean", "running_var")}
    assert left == hidden | normalised | {"1.7.weight"}


def wrong(place: Path, **changes: object) -> Task:
    return tiny_task("pneumonia", train__pretrained=True, train__weights=str(place), **changes)


def test_what_can_not_be_gone_on_from_is_one_sentence(runs: dict[str, Run], tmp_path: Path) -> None:
    broken = Run.open(shutil.copytree(runs["image"].path, tmp_path / "broken"))
    broken.weights.unlink()
    (tmp_path / "empty").mkdir()
    cases: list[tuple[Task, type[FastmedError], str]] = [
        (wrong(runs["image"].path, train__arch="test_vit"), ModelError,
         "is a test_resnet, and the network to train is a test_vit; add --arch test_resnet"),
        (wrong(runs["metadata"].path), ModelError, "looks at metadata alone"),
        (wrong(tmp_path / "none"), ModelError, "no weights file"),
        (wrong(tmp_path / "empty"), RunError, "is not a run"),
        (wrong(broken.path), ModelError, "no weights file"),
    ]  # fmt: skip
    for task, error, sentence in cases:
        with pytest.raises(error, match=sentence) as caught:
            check_start(task)
        assert "\n" not in str(caught.value)


def test_a_plain_file_is_itself(runs: dict[str, Run]) -> None:
    file = runs["image"].weights
    assert weights_file(str(file)) == file == weights_file(str(runs["image"].path))
    check_start(wrong(file, train__arch="test_vit"))

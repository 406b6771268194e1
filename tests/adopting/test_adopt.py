"""Weights from elsewhere: the run predicts exactly what the network did where it came from."""

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from fastai.vision.learner import create_timm_model
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from fastmed.adopting import Pixels, adopt
from fastmed.data.operations.transform import prepare
from fastmed.errors import FastmedError, ModelError, RunError, TaskError
from fastmed.evaluation import evaluate
from fastmed.prediction.story import predict
from fastmed.run import Run
from fastmed.settings.image import ImageSettings
from fastmed.taskfile import find_task

CLASSES = ["low", "middle", "high"]
MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.3, 0.25]
PIXELS = Pixels(size=32, fit="squish", interpolation="bicubic", mean=MEAN, std=STD)


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    folder, random = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for place, shape in enumerate([(40, 50, 3), (32, 32, 3), (90, 30, 3), (20, 20, 3)]):
        pixels = random.integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{place}.png")
    return folder


def with_statistics(net: nn.Module) -> nn.Module:
    """Return a random network whose normalisation has measured something."""
    torch.manual_seed(1)
    for name, value in net.named_buffers():
        if "running" in name:
            value.data += torch.rand_like(value) * 0.1
    for value in net.parameters():
        value.data += torch.randn_like(value) * 0.05
    return net.eval()


def plainly(net: nn.Module, images: Path) -> Tensor:
    """Return what a network says of images by plain PyTorch."""
    settings = ImageSettings(size=32, fit="squish", interpolation="bicubic")
    pixels = [
        torch.tensor(prepare(np.asarray(Image.open(file)), settings))
        for file in sorted(images.glob("*.png"))
    ]
    batch = torch.stack(pixels).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        return net((batch - torch.tensor(MEAN).view(-1, 1, 1)) / torch.tensor(STD).view(-1, 1, 1))


def said_by(run: Run, images: Path) -> np.ndarray:
    table = predict(run, images, device="cpu", workers=0, cache=False)
    return table[[f"score_{name}" for name in run.task.classes]].to_numpy()


@pytest.mark.parametrize("arch", ["test_resnet", "test_vit", "test_convnext", "test_efficientnet"])
def test_a_network_of_timm_predicts_what_it_did(arch, images, tmp_path):
    size = {"img_size": 32} if arch == "test_vit" else {}
    net = with_statistics(timm.create_model(arch, num_classes=3, **size))
    save_file(net.state_dict(), tmp_path / "weights.safetensors")
    run = adopt(
        tmp_path / "weights.safetensors", arch, tmp_path / "run", classes=CLASSES, pixels=PIXELS
    )
    expected = plainly(net, images).softmax(1).numpy()
    np.testing.assert_allclose(said_by(run, images), expected, atol=1e-6)
    assert run.status == "done"
    assert run.items.empty


WRAPPED = {
    "a wrapper": lambda state: {f"module.{name}": value for name, value in state.items()},
    "two wrappers": lambda state: {f"module.model.{name}": value for name, value in state.items()},
    "a checkpoint": lambda state: {"epoch": 3, "state_dict": state},
}


@pytest.mark.parametrize("name", WRAPPED)
def test_what_is_around_the_weights_is_no_matter(name, images, tmp_path):
    net = with_statistics(timm.create_model("test_resnet", num_classes=3))
    torch.save(WRAPPED[name](net.state_dict()), tmp_path / "weights.pth")
    run = adopt(
        tmp_path / "weights.pth", "test_resnet", tmp_path / "run", classes=CLASSES, pixels=PIXELS
    )
    expected = plainly(net, images).softmax(1).numpy()
    np.testing.assert_allclose(said_by(run, images), expected, atol=1e-6)


@pytest.mark.parametrize("head", [{}, {"lin_ftrs": [24, 16]}, {"concat_pool": False}])
def test_a_learner_of_fastai_predicts_what_it_did(head, images, tmp_path):
    net = with_statistics(create_timm_model("test_resnet", 3, pretrained=False, **head)[0])
    torch.save({"model": net.state_dict(), "opt": {}}, tmp_path / "learner.pth")
    run = adopt(
        tmp_path / "learner.pth", "test_resnet", tmp_path / "run", classes=CLASSES, pixels=PIXELS
    )
    expected = plainly(net, images).softmax(1).numpy()
    np.testing.assert_allclose(said_by(run, images), expected, atol=1e-6)


def test_one_logit_of_two_classes(images, tmp_path):
    net = with_statistics(timm.create_model("test_resnet", num_classes=1))
    save_file(net.state_dict(), tmp_path / "w.safetensors")
    run = adopt(
        tmp_path / "w.safetensors", "test_resnet", tmp_path / "run", classes=["no", "yes"],
        pixels=PIXELS,
    )  # fmt: skip
    expected = plainly(net, images).sigmoid()[:, 0].numpy()
    np.testing.assert_allclose(said_by(run, images)[:, 1], expected, atol=1e-6)


def test_a_grey_network(images, tmp_path):
    net = with_statistics(timm.create_model("test_resnet", num_classes=2, in_chans=1))
    save_file(net.state_dict(), tmp_path / "w.safetensors")
    run = adopt(
        tmp_path / "w.safetensors", "test_resnet", tmp_path / "run", classes=["no", "yes"],
        pixels=Pixels(size=32, mean=[0.5], std=[0.2]),
    )  # fmt: skip
    assert run.task.image.channels == 1
    assert run.info["mean"] == [0.5]
    assert said_by(run, images).shape == (4, 2)


def test_grades_are_cut_where_it_is_said(images, tmp_path):
    net = with_statistics(timm.create_model("test_resnet", num_classes=1))
    save_file(net.state_dict(), tmp_path / "w.safetensors")
    values = plainly(net, images)[:, 0].numpy()
    middle = float(np.sort(values)[1:3].mean())
    run = adopt(
        tmp_path / "w.safetensors", "test_resnet", tmp_path / "run", classes=CLASSES, goal="grade",
        pixels=PIXELS, cut_points=[middle, middle + 100],
    )  # fmt: skip
    table = predict(run, images, device="cpu", workers=0, cache=False)
    np.testing.assert_allclose(table["value"], values, atol=1e-5)
    assert table["grade"].tolist() == (values >= middle).astype(int).tolist()


def test_labelled_images_become_the_validation_part(phantoms, tmp_path):
    net = with_statistics(timm.create_model("test_resnet", num_classes=3))
    save_file(net.state_dict(), tmp_path / "w.safetensors")
    run = adopt(
        tmp_path / "w.safetensors", "test_resnet", tmp_path / "run", task=find_task("lungs"),
        pixels=Pixels(size=32), valid=phantoms["lungs"], device="cpu",
    )  # fmt: skip
    assert set(run.items["split"]) == {"valid"}
    assert run.info["calibration"]["temperature"] > 0
    assert run.data.resolve() == phantoms["lungs"].resolve()
    _, scores = evaluate(run, split="valid", device="cpu", workers=0)
    assert scores["n"] == len(run.items)
    with pytest.raises(FastmedError, match="chose its epoch"):
        evaluate(run, phantoms["lungs"], device="cpu", workers=0)


def test_the_commands_work_on_it(phantoms, command, tmp_path):
    net = with_statistics(timm.create_model("test_resnet", num_classes=2))
    save_file(net.state_dict(), tmp_path / "w.safetensors")
    run = tmp_path / "run"
    said = command(
        "adopt", tmp_path / "w.safetensors", "--arch", "test_resnet", "--task", "cardiomegaly",
        "--size", "32", "--fit", "letterbox", "--mean", "0.5,0.4,0.3", "--out", run,
    )  # fmt: skip
    assert said.code == 0, said.err
    assert "only images that it has never seen" in said.err
    source = phantoms["cardiomegaly"]
    for words in (
        ("evaluate", run, source, "--device", "cpu"),
        ("predict", source, "--run", run, "--device", "cpu", "--out", tmp_path / "p.csv"),
        ("card", run),
        ("report", run),
        ("runs", "--runs", tmp_path),
        ("pack", run, tmp_path / "m.zip"),
    ):
        said = command(*words)
        assert said.code == 0, (words[0], said.err)
    one = next(source.rglob("*.png"))
    said = command("explain", one, "--run", run, "--out", tmp_path / "map.png", "--device", "cpu")
    assert said.code == 0, said.err
    assert (tmp_path / "map.png").stat().st_size > 1000


REFUSED = {
    "other outputs": (
        {"classes": ["a", "b"]}, ModelError, "gives 3 numbers for an image, and a category of 2",
    ),
    "no classes": ({"classes": []}, TaskError, "the classes are missing"),
    "another network": ({"arch": "test_convnext"}, ModelError, "was it made for another --arch"),
    "no network": ({"arch": "resnett18"}, ModelError, "did you mean"),
    "code": ({"arch": "my_net.py"}, TaskError, "adopt takes names of timm"),
    "cuts of no grade": ({"cut_points": [0.5]}, TaskError, "no effect with goal = 'category'"),
    "two numbers": ({"pixels": Pixels(mean=[0.5, 0.4])}, TaskError, "--mean takes 3 numbers"),
    "no deviation": ({"pixels": Pixels(std=[0.5, 0, 0.1])}, TaskError, "numbers above 0"),
    "no class": ({"classes": ["a", "b", "<script>"]}, TaskError, "markup to a browser"),
    "resize without crop": ({"pixels": Pixels(resize=256)}, TaskError, "resize has no effect"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name, tmp_path):
    changes, kind, sentence = REFUSED[name]
    save_file(timm.create_model("test_resnet", num_classes=3).state_dict(), tmp_path / "w.st")
    given = {"arch": "test_resnet", "classes": CLASSES, **changes}
    with pytest.raises(kind, match=sentence):
        adopt(tmp_path / "w.st", given.pop("arch"), tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()


def test_a_body_alone_is_refused(tmp_path):
    net = timm.create_model("test_resnet", num_classes=0)
    save_file(net.state_dict(), tmp_path / "w.st")
    with pytest.raises(ModelError, match="has no layer that classifies"):
        adopt(tmp_path / "w.st", "test_resnet", tmp_path / "run", classes=CLASSES)


def test_code_in_a_file_is_never_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "was-run",))

    torch.save({"fc.weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ModelError, match="would run code"):
        adopt(tmp_path / "evil.pth", "test_resnet", tmp_path / "run", classes=CLASSES)
    assert not (tmp_path / "was-run").exists()


def test_a_folder_is_never_overwritten(tmp_path):
    (tmp_path / "run").mkdir()
    with pytest.raises(RunError, match="exists already"):
        adopt(tmp_path / "w", "test_resnet", tmp_path / "run", classes=CLASSES)

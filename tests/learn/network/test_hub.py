"""Models of the hub, from its cache, from a folder, and when it can't be reached."""

import json
import shutil
from pathlib import Path

import huggingface_hub
import pytest
import timm
import torch
from conftest import tiny_task
from huggingface_hub import constants
from safetensors.torch import save_file

from fastmed.errors import ModelError
from fastmed.learn.learner import check_weights
from fastmed.learn.network.architectures import resolve_arch
from fastmed.learn.network.backbone import normalization_of
from fastmed.learn.network.body import make_body
from fastmed.run import Run
from fastmed.training.train import train

ARCH = "hf-hub:some-lab/chest-vit"
CONFIG = {
    "architecture": "test_vit",
    "num_classes": 14,
    "model_args": {"init_values": 0.1, "num_classes": 14, "in_chans": 3},
    "pretrained_cfg": {"mean": [0.4, 0.4, 0.4], "std": [0.3, 0.3, 0.3], "crop_pct": 0.95},
}  # fmt: skip


@pytest.fixture
def source() -> torch.nn.Module:
    torch.manual_seed(3)
    return timm.create_model("test_vit", init_values=0.1, num_classes=14)


@pytest.fixture
def folder(tmp_path: Path, source: torch.nn.Module) -> Path:
    """A model's files as the hub has them."""
    place = tmp_path / "chest-vit"
    place.mkdir()
    (place / "config.json").write_text(json.dumps(CONFIG))
    save_file(source.state_dict(), place / "model.safetensors")
    return place


@pytest.fixture
def cached(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's own cache with the model in it, and no network."""
    hub = tmp_path / "hub"
    place = hub / "models--some-lab--chest-vit"
    shutil.copytree(folder, place / "snapshots" / "abc")
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("abc")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.file_download, "HF_HUB_CACHE", str(hub), raising=False)


def task_of(arch: str, **changes: object) -> object:
    given = {"train__pretrained": True, "image__size": 160, **changes}
    return tiny_task("lungs", train__arch=arch, train__epochs=1, **given)


def check_is_the_models(arch: str, source: torch.nn.Module) -> None:
    assert resolve_arch(arch, pretrained=True) == arch
    check_weights(task_of(arch))
    body = make_body(task_of(arch), download=True).eval()
    images = torch.randn(1, 3, 160, 160)
    with torch.no_grad():
        expected = source.eval().forward_features(images)[:, body.prefix :]
        torch.testing.assert_close(body(images).flatten(2).transpose(1, 2), expected)
    assert normalization_of(arch) == ((0.4, 0.4, 0.4), (0.3, 0.3, 0.3))


def test_a_model_of_the_hub(cached: None, source: torch.nn.Module) -> None:
    check_is_the_models(ARCH, source)


def test_a_folder_like_the_hubs(folder: Path, source: torch.nn.Module) -> None:
    check_is_the_models(f"local-dir:{folder}", source)


def test_a_run_needs_the_hub_no_more(
    folder: Path, phantoms: dict[str, Path], tmp_path: Path
) -> None:
    task = task_of(f"local-dir:{folder}", image__size=32)
    run = train(task, phantoms["lungs"], runs=tmp_path / "runs", name="a", device="cpu", workers=0)
    shutil.rmtree(folder)
    assert str(tmp_path) not in (run.path / "task.json").read_text(), "no folder of the user's"
    moved = Run.open(shutil.move(run.path, tmp_path / "moved"))
    learn = moved.restore("cpu")
    blocks = learn.model[0][0].net.blocks
    assert blocks[0].ls1.gamma.shape == (64,), "the config's arguments are kept"
    assert moved.info["mean"] == [0.4, 0.4, 0.4]


def test_without_a_network_there_are_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError) as caught:
        resolve_arch("hf-hub:some-lab/never-fetched", pretrained=True)
    said = str(caught.value)
    assert said.startswith("'hf-hub:some-lab/never-fetched' can't be had (HF_HUB_OFFLINE is set)")
    assert "--arch local-dir:never-fetched" in said
    assert "\n" not in said


WRONG = {
    "unknown": ({**CONFIG, "architecture": "test_vut"}, "doesn't have; did you mean 'test_vit'"),
    "not timm's": ({"model_type": "bert"}, "is not a model of timm: its config.json names no"),
    "a list": ([1], "is not a model of timm"),
    "pixels": ({**CONFIG, "pretrained_cfg": {"std": [0, 1, 1]}}, "no mean and deviation of three"),
    "arguments": ({**CONFIG, "model_args": {"depth": "deep"}}, "can't be built by timm"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_config_is_one_sentence(name: str, folder: Path) -> None:
    config, sentence = WRONG[name]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=sentence) as caught:
        make_body(task_of(f"local-dir:{folder}"), download=False)
    assert "\n" not in str(caught.value)


def test_what_is_not_there_is_one_sentence(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="there is no model.safetensors or pytorch_model.bin in"):
        check_weights(task_of(f"local-dir:{folder}"))
    with pytest.raises(ModelError, match="there is no config.json in"):
        resolve_arch("local-dir:nowhere", pretrained=False)
    with pytest.raises(ModelError, match="expected hf-hub:OWNER/NAME"):
        resolve_arch("hf-hub:a/b/c/d", pretrained=False)

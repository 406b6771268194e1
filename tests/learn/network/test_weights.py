import os
import subprocess
import sys
from pathlib import Path

import pytest
import timm
import torch
from conftest import tiny_task
from safetensors.torch import save_file

from fastmed.errors import ModelError, RunError
from fastmed.learn.network.backbone import make_backbone
from fastmed.learn.network.weights import (
    load_body_weights,
    read_state_dict,
    restore_weights,
    save_weights,
)


def body(seed: int, arch: str = "test_resnet", size: int = 32) -> torch.nn.Module:
    torch.manual_seed(seed)
    return make_backbone(tiny_task("lungs", train__arch=arch, image__size=size), download=False).net


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_safetensors_of_a_whole_timm_model(tmp_path: Path) -> None:
    whole = timm.create_model("test_resnet", num_classes=7)
    save_file(whole.state_dict(), tmp_path / "w.safetensors")
    target = body(1)
    load_body_weights(target, tmp_path / "w.safetensors")
    pairs = dict(whole.named_parameters())
    assert all(torch.equal(value, pairs[name]) for name, value in target.named_parameters())


@pytest.mark.parametrize("prefix", ["", "module.", "backbone.", "0.0.net."])
@pytest.mark.parametrize("nest", [None, "state_dict", "model"])
def test_prefixes_and_nested_dicts(tmp_path: Path, prefix: str, nest: str | None) -> None:
    source, target = body(1), body(2)
    assert not same(source, target)
    state = {prefix + name: value for name, value in source.state_dict().items()}
    torch.save({nest: state, "epoch": 3} if nest else state, tmp_path / "w.pth")
    load_body_weights(target, tmp_path / "w.pth")
    assert same(source, target)


def test_position_embedding_is_resized(tmp_path: Path) -> None:
    source, target = body(1, "test_vit", 64), body(2, "test_vit", 96)
    torch.save(source.state_dict(), tmp_path / "w.pth")
    load_body_weights(target, tmp_path / "w.pth")
    assert torch.equal(source.blocks[0].attn.qkv.weight, target.blocks[0].attn.qkv.weight)
    assert target.pos_embed.shape[1] > source.pos_embed.shape[1]
    assert abs((source.pos_embed.mean() - target.pos_embed.mean()).item()) < 0.01


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save(body(1, "test_efficientnet").state_dict(), tmp_path / "w.pth")
    with pytest.raises(ModelError, match=r"of the \d+ weights of this backbone.*another --arch"):
        load_body_weights(body(1), tmp_path / "w.pth")


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    state = body(1).state_dict()
    first = next(name for name, value in state.items() if value.is_floating_point())
    state[first].fill_(float("nan"))
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(ModelError, match="not numbers"):
        load_body_weights(body(1), tmp_path / "w.pth")


class Trap:
    def __reduce__(self) -> tuple:
        return (os.system, ("touch trapped",))


def test_code_in_a_file_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Trap()}, tmp_path / "w.pth")
    with pytest.raises(ModelError, match="reading it would run code"):
        read_state_dict(tmp_path / "w.pth")
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\xff" * 8 + b'{"a":1}', b"\x10" + b"\0" * 7 + b"{"]
)
def test_damaged_files_are_one_sentence(tmp_path: Path, content: bytes) -> None:
    for name in ("w.safetensors", "w.pth"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ModelError) as caught:
            read_state_dict(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no weights file"):
        read_state_dict(tmp_path / "none.pth")
    with pytest.raises(RunError, match="stopped before its first epoch"):
        restore_weights(body(1), tmp_path / "none.safetensors")


def test_save_and_restore_is_exact_and_strict(tmp_path: Path) -> None:
    source, target = body(1), body(2)
    save_weights(source.to(memory_format=torch.channels_last), tmp_path / "m.safetensors")
    restore_weights(target, tmp_path / "m.safetensors")
    assert same(source, target)
    with pytest.raises(RunError, match="can't be loaded into the run's network"):
        restore_weights(body(1, "test_efficientnet"), tmp_path / "m.safetensors")


DOWNLOAD = """
import sys
from conftest import tiny_task
from fastmed.errors import ModelError
from fastmed.learn.network.backbone import make_backbone
task = tiny_task("lungs", train__arch="test_resnet", train__pretrained=True)
try:
    body = make_backbone(task, download=True)
except ModelError as error:
    print(error)
else:
    print(next(body.net.parameters()).sum().item())
"""


def run_with_hub(hub: Path, **environment: str) -> str:
    tests = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", DOWNLOAD],
        env={**os.environ, "HF_HOME": str(hub), "PYTHONPATH": str(tests), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.slow
def test_weights_that_were_fetched_before_need_no_network(tmp_path: Path) -> None:
    config = timm.get_pretrained_cfg("test_resnet")
    folder = tmp_path / "hub" / f"models--timm--test_resnet.{config.tag}"
    (folder / "snapshots" / "abc").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    torch.manual_seed(5)
    source = timm.create_model("test_resnet")
    save_file(source.state_dict(), folder / "snapshots" / "abc" / "model.safetensors")
    first = next(timm.create_model("test_resnet").named_parameters())[0]
    expected = dict(source.named_parameters())[first].sum().item()
    assert float(run_with_hub(tmp_path, HF_HUB_OFFLINE="1")) == pytest.approx(expected, rel=1e-5)


def test_weights_that_cannot_be_had_are_one_sentence_with_the_ways_out(tmp_path: Path) -> None:
    said = run_with_hub(tmp_path, HF_ENDPOINT="http://127.0.0.1:9")
    assert said.startswith("the pretrained weights of 'test_resnet' can't be had")
    assert "--weights FILE" in said
    assert "--no-pretrained" in said
    assert "\n" not in said

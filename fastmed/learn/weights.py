"""Weights from files: read without running code, matched to a network, refused if they don't fit.

This is the only place of fastmed that reads weights.
"""

import sys
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fastmed.errors import ModelError, RunError, listed
from fastmed.files import write_whole

StateDict = dict[str, Tensor]
_NESTED = ("state_dict", "model", "model_state", "model_state_dict", "params", "module")
SAFETENSORS = ".safetensors"


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the network's weights as safetensors, as a whole."""
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    write_whole(path, lambda temporary: save_file(state, temporary))


def restore_weights(model: nn.Module, path: Path) -> None:
    """Load weights that `save_weights` wrote for the same network, every one of them.

    Raises:
        RunError: the file is missing, damaged or of another network.
    """
    if not path.is_file():
        raise RunError(f"no weights at {path}: the training stopped before its first epoch ended")
    try:
        model.load_state_dict(load_file(path), strict=True)
    except (SafetensorError, RuntimeError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(f"{path} can't be loaded into the run's network: {reason}") from None


def load_body_weights(body: nn.Module, path: Path) -> None:
    """Load a file of weights (safetensors, or a plain PyTorch state dict) into a backbone.

    Prefixes such as ``module.`` or ``backbone.``, nested dicts and a classifier's weights are
    dealt with; position embeddings are resized by timm's own filter.

    Raises:
        ModelError: the file is missing, unsafe or damaged, or lacks weights of the backbone.
    """
    state = _without_prefix(read_state_dict(path), body)
    expected = body.state_dict()
    if any(name not in state or state[name].shape != expected[name].shape for name in expected):
        state = _converted(state, body)
    fitting = {
        name: value
        for name, value in state.items()
        if name in expected and value.shape == expected[name].shape
    }
    wanted = {name for name, _ in body.named_parameters()}
    missing = sorted(wanted - set(fitting))
    if missing:
        found = len(wanted) - len(missing)
        raise ModelError(
            f"{path} has {found} of the {len(wanted)} weights of this backbone, and lacks "
            f"{listed(missing, 2)}; was it made for another --arch?"
        )
    not_finite = [name for name, value in fitting.items() if not torch.isfinite(value).all()]
    if not_finite:
        raise ModelError(f"{path} holds values that are not numbers in {listed(not_finite, 2)}")
    body.load_state_dict(fitting, strict=False)


def read_state_dict(path: Path) -> StateDict:
    """Return the tensors of a weights file by name; code in the file is never run.

    Raises:
        ModelError: the file is missing, is neither format, or holds no tensors.
    """
    check_file(path)
    state = _read_safetensors(path) if _is_safetensors(path) else _read_torch(path)
    if not state:
        raise ModelError(f"{path} holds no weights by name; expected a plain state dict")
    return state


def check_file(path: Path) -> None:
    """Refuse a weights file that isn't there."""
    if not path.is_file():
        raise ModelError(f"no weights file '{path}'")


def _is_safetensors(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(9)
    return path.suffix == SAFETENSORS or start[8:9] == b"{"


def _read_safetensors(path: Path) -> StateDict:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a whole safetensors file ({error})") from None


def _read_torch(path: Path) -> StateDict:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:
        raise ModelError(
            f"{path} is not a plain state dict: reading it would run code from the file, or it "
            "is damaged; save it anew with safetensors.torch.save_file(model.state_dict(), FILE)"
        ) from None
    while isinstance(content, dict):
        inner = next((key for key in _NESTED if isinstance(content.get(key), dict)), None)
        if inner is None:
            break
        content = content[inner]
    if not isinstance(content, dict):
        return {}
    return {key: value for key, value in content.items() if isinstance(value, Tensor)}


def _without_prefix(state: StateDict, body: nn.Module) -> StateDict:
    """Return the part of ``state`` below the prefix under which most of the body's names are."""
    expected = list(body.state_dict())
    prefixes = {""}
    for key in state:
        steps = key.split(".")
        prefixes.update(".".join(steps[:depth]) + "." for depth in range(1, min(len(steps), 5)))
    best = max(sorted(prefixes), key=lambda prefix: sum(prefix + key in state for key in expected))
    return {key.removeprefix(best): value for key, value in state.items() if key.startswith(best)}


def _converted(state: StateDict, body: nn.Module) -> StateDict:
    """Let timm's own filter for this family rename and resize what differs."""
    convert = getattr(sys.modules[type(body).__module__], "checkpoint_filter_fn", None)
    return convert(state, body) if convert else state

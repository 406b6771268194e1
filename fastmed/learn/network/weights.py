"""Weights from files: read without running code, matched to a network, refused if they don't fit.

This is the only place of fastmed that reads weights.
"""

import sys
from collections.abc import Collection
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fastmed.errors import ModelError, RunError, listed
from fastmed.files import write_whole
from fastmed.learn.network.pickled import read_pickled
from fastmed.learn.network.remapping import renamed, with_channels_of

StateDict = dict[str, Tensor]
SAFETENSORS = ".safetensors"
_LONGEST_HEADER = 8 * 2**20  # bytes; resnest269e, the longest found in timm, has 0.23 MB
_BESIDE = 512 * 2**20  # bytes of classifiers and the like that a file may hold beside a backbone
_NUMBERS = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64, torch.int32)
_COPIES = 8  # of a backbone: double precision, moving averages, two moments of an optimizer


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
        _check_header(path)
        _check_same(_shapes_in(path), model)
        state = load_file(path)
        model.load_state_dict(state, strict=True)
    except (SafetensorError, RuntimeError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(f"{path} can't be loaded into the run's network: {reason}") from None
    not_finite = _not_finite(model.state_dict())
    if not_finite:
        raise RunError(f"{path} holds values that are not numbers in {listed(not_finite, 2)}")


def load_body_weights(
    body: nn.Module,
    path: Path,
    optional: Collection[str] = (),
    unwanted: Collection[str] = (),
    state: StateDict | None = None,
) -> None:
    """Load a file of weights (safetensors, or a plain PyTorch state dict) into a backbone.

    Prefixes such as ``module.`` or ``backbone.``, nested dicts and a classifier's weights are
    dealt with, and so are other libraries' names; see `remapping`. Position embeddings are resized
    by timm's own filter, and the first layer is made fit for one channel or three.

    Args:
        body: what the weights go into.
        path: of the file.
        optional: names that the file may lack, or have in another shape.
        unwanted: names that stay as they are in the body.
        state: what `read_state_dict` gave of the file, if it was read before.

    Raises:
        ModelError: the file is missing, unsafe or damaged, or lacks weights of the backbone.
    """
    check_file(path)
    _check_size(path, body)
    given = read_state_dict(path) if state is None else state
    state = renamed(_without_prefix(given, body), body)
    expected = body.state_dict()
    if any(name not in state or state[name].shape != expected[name].shape for name in expected):
        state = with_channels_of(body, _converted(state, body, path))
    fitting = {
        name: value
        for name, value in state.items()
        if name in expected and name not in unwanted and _fits(value, expected[name])
    }
    wanted = {name for name, _ in body.named_parameters()} - {*optional, *unwanted}
    missing = sorted(wanted - set(fitting))
    if missing:
        found = len(wanted) - len(missing)
        raise ModelError(
            f"{path} has {found} of the {len(wanted)} weights of this backbone, and lacks "
            f"{listed(missing, 2)}; was it made for another --arch?"
        )
    not_finite = _not_finite(fitting)
    if not_finite:
        raise ModelError(f"{path} holds values that are not numbers in {listed(not_finite, 2)}")
    body.load_state_dict(fitting, strict=False)


def read_state_dict(path: Path) -> StateDict:
    """Return the tensors of a weights file by name; code in the file is never run.

    Raises:
        ModelError: the file is missing, is neither format, or holds no tensors.
    """
    check_file(path)
    if _is_safetensors(path):
        state = _read_safetensors(path)
    else:
        state = read_pickled(path, _read_safetensors)
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
        _check_header(path)
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path} is not a whole safetensors file ({error})") from None


def _check_header(path: Path) -> None:
    """Refuse a list of tensors that is longer than any network's, which would take minutes."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > _LONGEST_HEADER:
        raise ValueError(f"its header has {length:,} bytes, more than {_LONGEST_HEADER:,}")


def _shapes_in(path: Path) -> dict[str, list[int]]:
    with safe_open(path, "pt") as file:
        return {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118


def _check_same(found: dict[str, list[int]], model: nn.Module) -> None:
    """Refuse weights that are not exactly those of a network, before their values are read."""
    expected = {name: list(value.shape) for name, value in model.state_dict().items()}
    for what, names in (("lacks", expected.keys() - found), ("also has", found.keys() - expected)):
        if names:
            raise ValueError(f"it {what} {listed(sorted(names), 2)}")
    for name, shape in expected.items():
        if found[name] != shape:
            raise ValueError(f"'{name}' has shape {found[name]}, expected {shape}")


def _check_size(path: Path, body: nn.Module) -> None:
    """Refuse a file that is far too large for a backbone, before it is read."""
    own = sum(value.numel() * value.element_size() for value in body.state_dict().values())
    size, most = path.stat().st_size, _COPIES * own + _BESIDE
    if size > most:
        raise ModelError(
            f"{path} has {size / 1e6:,.0f} MB, and this backbone {own / 1e6:,.1f} MB of weights; "
            "was it made for another --arch?"
        )


def _fits(value: Tensor, expected: Tensor) -> bool:
    same_kind = value.is_floating_point() == expected.is_floating_point()
    return value.shape == expected.shape and value.dtype in _NUMBERS and same_kind


def _not_finite(state: StateDict) -> list[str]:
    """Return the names of tensors that hold infinity or what is not a number."""
    return [name for name, value in state.items() if not torch.isfinite(value.float()).all()]


def _without_prefix(state: StateDict, body: nn.Module) -> StateDict:
    """Return the part of ``state`` below the prefix under which most of the body's names are."""
    expected = list(body.state_dict())
    prefixes = {""}
    for key in state:
        steps = key.split(".")
        prefixes.update(".".join(steps[:depth]) + "." for depth in range(1, min(len(steps), 5)))
    best = max(sorted(prefixes), key=lambda prefix: sum(prefix + key in state for key in expected))
    return {key.removeprefix(best): value for key, value in state.items() if key.startswith(best)}


def _of_timm(body: nn.Module) -> bool:
    return type(body).__module__.startswith("timm.")


def _converted(state: StateDict, body: nn.Module, path: Path) -> StateDict:
    """Let timm's own filter for this family rename and resize what differs."""
    home = sys.modules[type(body).__module__]
    convert = getattr(home, "checkpoint_filter_fn", None) if _of_timm(body) else None
    try:
        return convert(state, body) if convert else state
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"{path} holds weights of shapes that this backbone can't take ({reason}); was it "
            "made for another --arch?"
        ) from None

"""Nested values as JSON and tensors, and back, each bit of them: nothing is pickled."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from fastcore.foundation import L
from torch import Tensor

Tensors = dict[str, Tensor]

# What JSON has no word for is a table with one of these marks as its only key.
_TENSOR, _TUPLE, _TABLE, _FLOAT = "=tensor", "=tuple", "=table", "=float"
_MARKS = (_TENSOR, _TUPLE, _TABLE, _FLOAT)


def to_plain(content: Any, name: str, tensors: Tensors) -> Any:
    """Return what JSON can hold of nested dicts, sequences, numbers, text and tensors.

    Args:
        content: to be written.
        name: of the content, from which the names of its tensors are made.
        tensors: takes the tensors, on the CPU and contiguous; the JSON names them.

    Raises:
        TypeError: the content holds something else.
    """
    plain: Any
    match content:
        case None | bool() | int() | str():
            plain = content
        case float():
            plain = content if math.isfinite(content) else {_FLOAT: repr(content)}
        case Tensor():
            plain = {_TENSOR: _put(content, name, tensors)}
        case np.generic():
            plain = to_plain(content.item(), name, tensors)
        case tuple():
            plain = {_TUPLE: _list(content, name, tensors)}
        case Mapping():
            plain = _table(content, name, tensors)
        case list() | L():
            plain = _list(content, name, tensors)
        case _:
            kind = type(content).__name__
            raise TypeError(f"{name} is a {kind}, which can't be written without code")
    return plain


def from_plain(plain: Any, tensors: Mapping[str, Tensor], device: torch.device) -> Any:
    """Return what `to_plain` was given; tensors that were on an accelerator are on ``device``.

    Raises:
        KeyError, TypeError, ValueError: it is not what `to_plain` writes.
    """
    match plain:
        case list():
            return [from_plain(one, tensors, device) for one in plain]
        case dict() if len(plain) == 1 and (mark := next(iter(plain))) in _MARKS:
            return _marked(mark, plain[mark], tensors, device)
        case dict():
            return {key: from_plain(value, tensors, device) for key, value in plain.items()}
    return plain


def _marked(mark: str, content: Any, tensors: Mapping[str, Tensor], device: torch.device) -> Any:
    match mark:
        case "=float":
            return float(content)
        case "=tensor":
            return _take(content, tensors, device)
        case "=tuple":
            return tuple(from_plain(one, tensors, device) for one in content)
    return {key: from_plain(value, tensors, device) for key, value in content}


def _list(content: Iterable[Any], name: str, tensors: Tensors) -> list[Any]:
    return [to_plain(one, f"{name}.{place}", tensors) for place, one in enumerate(content)]


def _table(content: Mapping[Any, Any], name: str, tensors: Tensors) -> dict[str, Any]:
    """Return a table; one whose keys are not all text, or could be marks, as a list of pairs."""
    pairs = [(key, to_plain(value, f"{name}.{key}", tensors)) for key, value in content.items()]
    if all(isinstance(key, str) and key not in _MARKS for key in content):
        return dict(pairs)
    return {_TABLE: [list(pair) for pair in pairs]}


def _put(value: Tensor, name: str, tensors: Tensors) -> dict[str, Any]:
    """Keep a copy of a tensor; its layout in memory decides the order of sums, so it is kept."""
    plain = value.detach().as_subclass(Tensor)
    tensors[name] = plain.cpu().clone(memory_format=torch.contiguous_format)
    about: dict[str, Any] = {"name": name}
    if not plain.is_contiguous():
        about["stride"] = list(plain.stride())
    if plain.device.type != "cpu":
        about["accelerator"] = True
    return about


def _take(about: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> Tensor:
    value = tensors[about["name"]]
    target = device if about.get("accelerator") else torch.device("cpu")
    stride = about.get("stride")
    if stride is None:
        return value.to(target, copy=True)
    room = torch.empty_strided(value.shape, stride, dtype=value.dtype, device=target)
    return room.copy_(value)

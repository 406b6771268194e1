"""A network as a graph of operations, and the files that hold it: ONNX and PT2."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from fastmed.errors import ModelError
from fastmed.exporting.whole import NETWORK, Whole

OPSET = 18
LARGEST_SIDE = 65535  # pixels
_SCOPES = "pkg.torch.onnx.name_scopes"
_MOST = 1.9e9  # bytes of an ONNX file, which is one protocol buffer


def traced(whole: Whole, inputs: tuple[Tensor, ...]) -> ExportedProgram:
    """Return the graph of a network, for batches and images of any size.

    Raises:
        ModelError: the network can't be traced.
    """
    shapes = (tuple(_dimensions(given) for given in inputs),)
    try:
        with quiet(), torch.no_grad():
            program = torch.export.export(whole.eval(), inputs, dynamic_shapes=shapes)
    except Exception as error:
        raise ModelError(f"'{whole.task.train.arch}' can't be exported: {_reason(error)}") from None
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # names folders of this machine
    return program


def write_pt2(program: ExportedProgram, about: Mapping[str, str], path: Path) -> None:
    """Write a graph as PyTorch's own archive, with texts beside it."""
    with quiet(), path.open("wb") as file:
        torch.export.save(program, file, extra_files=dict(about))


def write_onnx(program: ExportedProgram, names: list[str], path: Path) -> None:
    """Write a graph as one ONNX file.

    Args:
        program: the graph.
        names: of its inputs.
        path: of the file.

    Raises:
        ModelError: an operation has no counterpart in ONNX, or the file would be too large.
    """
    size = sum(value.nbytes for value in program.state_dict.values())
    if size > _MOST:
        raise ModelError(
            f"the network has {size / 1e9:.1f} GB of weights, and one ONNX file holds at most 2; "
            "use --precision fp16 or --format pt2"
        )
    outputs = list(program.module_call_graph[0].signature.out_spec.context)
    try:
        with quiet():
            made = torch.onnx.export(
                program, (), dynamo=True, input_names=names, output_names=outputs,
                opset_version=OPSET, verbose=False,
            )  # fmt: skip
    except Exception as error:
        raise ModelError(f"the network has no counterpart in ONNX: {_reason(error)}") from None
    if made is None:
        raise ModelError("the network has no counterpart in ONNX")
    _name_axes(made.model, names)
    _name_nodes(made.model)
    made.model.producer_name = "fastmed"
    made.save(path, external_data=False)


def _dimensions(given: Tensor) -> dict[int, Any]:
    batch = Dim("batch", min=1)
    if given.ndim < 4:
        return {0: batch}
    sides = {1: "height", 2: "width"}
    return {0: batch, **{at: Dim(name, min=1, max=LARGEST_SIDE) for at, name in sides.items()}}


def _name_axes(model: Any, names: list[str]) -> None:
    """Give the axes of inputs and outputs that are open the names that a reader expects."""
    given = {one.name: one for one in model.graph.inputs}
    known: dict[str, str] = {}
    for name in names:
        for axis, word in zip(given[name].shape, ("batch", "height", "width"), strict=False):
            known.setdefault(str(axis), word)
    for value in (*model.graph.inputs, *model.graph.outputs):
        for place, axis in enumerate(value.shape or ()):
            if str(axis) in known:
                value.shape[place] = known[str(axis)]


def _name_nodes(model: Any) -> None:
    """Name nodes by the part of the network that they are of, and leave all else about them out.

    The compiler's own remarks name folders of this machine.
    """
    for number, node in enumerate(model.graph.all_nodes()):
        place = node.metadata_props.get(_SCOPES, "")
        inside = f"'{NETWORK}'" in place
        node.name = f"{NETWORK if inside else 'around'}/{node.op_type}_{number}"
        node.metadata_props.clear()
    for value in (*model.graph.inputs, *model.graph.outputs, *model.graph.initializers.values()):
        value.metadata_props.clear()
    for node in model.graph.all_nodes():
        for value in node.outputs:
            value.metadata_props.clear()


def _reason(error: Exception) -> str:
    """Return what a compiler says first, in one short line."""
    said = str(getattr(error, "__cause__", None) or error).strip().splitlines()
    return (said or [type(error).__name__])[0][:200]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep compilers from telling about themselves."""
    before = logging.root.manager.disable
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)

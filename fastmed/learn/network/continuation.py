"""Going on from weights: those of a file, or another run's body and of its head what fits."""

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from fastmed.console import note
from fastmed.data.metadata import MetadataEncoder
from fastmed.errors import ModelError
from fastmed.learn.network.architectures import resolve_arch
from fastmed.learn.network.backbone import Backbone
from fastmed.learn.network.fusion import FusionNet
from fastmed.learn.network.groups import last_layer
from fastmed.learn.network.hub import describe
from fastmed.learn.network.weights import check_file, load_body_weights, read_state_dict
from fastmed.network_files import code_of, is_code, is_hub
from fastmed.run import Run, run_of_weights
from fastmed.task import Task

_BODY = "0."  # how the names of its weights begin in a network of body and head


def weights_file(place: str) -> Path:
    """Return the file of weights that ``train.weights`` names: the file itself, or a run's.

    Raises:
        RunError: the folder is no run, or the run has no weights.
        ModelError: there is no such file.
    """
    run = run_of_weights(place)
    file = Path(place) if run is None else run.weights
    check_file(file)
    return file


def check_start(task: Task) -> None:
    """Refuse weights to start from that aren't there, or of a run with another backbone.

    Raises:
        RunError, ModelError: says what is there, and what to do.
    """
    place = str(task.train.weights)
    weights_file(place)
    run = run_of_weights(place)
    if run is None:
        return
    given = run.task
    own = resolve_arch(task.train.arch, pretrained=False)
    if given.metadata_only:
        raise ModelError(f"{place} looks at metadata alone: it has no body to start from")
    if _kind(given.train.arch) != _kind(own):
        raise ModelError(
            f"{place} is a {given.train.arch}, and the network to train is a {own}; "
            f"add --arch {given.train.arch}"
        )


def _kind(arch: str) -> Any:
    """Return what tells networks apart, wherever the files that describe them lie."""
    if is_code(arch):
        return code_of(arch)[1]
    return describe(arch) if is_hub(arch) else arch


def load_body(body: Backbone, task: Task) -> None:
    """Load the weights that ``train.weights`` names into the body.

    Of a whole network of the user's, the last layer may lack in a file, and stays as it is where
    a run's has other classes.

    Raises:
        ModelError, RunError: the weights can't be had, or don't fit.
    """
    place = str(task.train.weights)
    last, run = last_layer(body), run_of_weights(place)
    unwanted = last if run is not None and _other_classes(run.task, task) else set()
    load_body_weights(body.net, weights_file(place), optional=last, unwanted=unwanted)
    note(f"The backbone starts from {place}.")


def load_head(model: nn.Module, run: Run, task: Task, metadata: MetadataEncoder | None) -> None:
    """Load what fits of a run's head, and of what its metadata goes through, into a network.

    A last layer for other classes, and weights for other metadata, stay as they are.

    Args:
        model: of the task, with its body; see `load_body_weights`.
        metadata: how the task's metadata is coded.
    """
    given = {_in_image_net(name): value for name, value in read_state_dict(run.weights).items()}
    other = _of_other_meaning(model, run, task, metadata)
    own = {
        name: value
        for name, value in model.state_dict().items()
        if not _in_image_net(name).startswith(_BODY)
    }
    fitting = {
        name: given[_in_image_net(name)]
        for name, value in own.items()
        if _same_shape(value, given.get(_in_image_net(name)))
        and not _in_image_net(name).startswith(other)
    }
    model.load_state_dict(fitting, strict=False)
    if own:
        note(f"Of the head's {len(own)} weights {len(fitting)} start from there, too.")


def _in_image_net(name: str) -> str:
    """Return the name that a weight has in a network of images alone."""
    return name.removeprefix("image.")


def _of_other_meaning(
    model: nn.Module, run: Run, task: Task, metadata: MetadataEncoder | None
) -> tuple[str, ...]:
    """Return how the names begin of weights that mean something else to the run."""
    given = run.task
    net = model.image if isinstance(model, FusionNet) else model
    _, head = net.children()
    names: list[str] = []
    if _other_classes(given, task):
        names.append(f"1.{len(list(head.children())) - 1}.")
    if _meanings(run.metadata) != _meanings(metadata):
        names += ["branch.", "join."]
    return tuple(names)


def _other_classes(given: Task, task: Task) -> bool:
    """True if the last layers of two tasks say different things, even in the same shape."""
    last = (given.classes, given.goal, given.ordinal), (task.classes, task.goal, task.ordinal)
    return last[0] != last[1]


def _meanings(metadata: MetadataEncoder | None) -> list[dict[str, object]]:
    """Return what the columns of encoded metadata mean, whatever numbers are scaled by."""
    fields = metadata.fields if metadata else ()
    return [field.model_dump(exclude={"mean", "std"}) for field in fields]


def _same_shape(own: Tensor, given: Tensor | None) -> bool:
    return given is not None and own.shape == given.shape

"""Adopting: weights that were trained elsewhere become a run, which every command works on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fastai.learner import Learner

from fastmed.adopting.folder import write_own_items, write_run
from fastmed.adopting.layout import (
    Head,
    StateDict,
    body_of,
    classifier_of,
    head_of,
    with_two_outputs,
    without_wrapping,
)
from fastmed.adopting.task import check_arch, normalization, task_of
from fastmed.console import note, warn
from fastmed.data.inputs import read_input
from fastmed.data.pseudonyms import hide_items
from fastmed.data.tables import ROOT, root_of
from fastmed.errors import DataError, ModelError, RunError, TaskError
from fastmed.evaluation import finish
from fastmed.learn.input.loaders import empty_dataloaders
from fastmed.learn.input.statistics import Statistics
from fastmed.learn.learner import learner
from fastmed.learn.network.body import make_body
from fastmed.learn.network.groups import backbone_of
from fastmed.learn.network.weights import load_body_weights, read_state_dict, save_weights
from fastmed.prediction.networks import readable
from fastmed.run import Run
from fastmed.run.places import check_name, relative_path
from fastmed.settings.head import HeadSettings
from fastmed.task import Task
from fastmed.whole_folder import whole_folder


@dataclass(frozen=True)
class Pixels:
    """What the network expects of an image; None takes the task's, or what timm says of it.

    Attributes:
        size: side of the square.
        fit, resize, interpolation: as in a task.
        mean, std: of the channels, on a scale of 0 to 1.
        channels: 1 or 3; None is what the file has.
    """

    size: int | None = None
    fit: str | None = None
    resize: int | None = None
    interpolation: str | None = None
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    channels: int | None = None


def adopt(
    file: str | Path,
    arch: str,
    out: str | Path,
    *,
    classes: Sequence[str] = (),
    goal: str | None = None,
    loss: str | None = None,
    pixels: Pixels | None = None,
    task: Task | None = None,
    cut_points: Sequence[float] | None = None,
    valid: str | Path | None = None,
    device: str | None = None,
) -> Run:
    """Make a run of weights that were trained elsewhere, and return it.

    The network is timm's with its own classifier, torchvision's of the same name, or a body with a
    head of linear layers, as a learner of fastai has it.

    Args:
        file: of weights: safetensors, or a plain state dict of PyTorch's.
        arch: the network's name in timm or torchvision.
        out: the folder of the run, which is not there yet.
        classes: in the order of the outputs; none takes those of the task.
        goal: ``category`` or ``grade``; None takes that of the task, or ``category``.
        loss: what the network was trained by, where its outputs mean something else than usual:
            ``bce``, ``corn``.
        pixels: what the network expects of an image.
        task: says how data are laid out, and all that is not said here.
        cut_points: of grades; None rounds, or fits them on ``valid``.
        valid: labelled images, which become the run's validation part: calibration, cut points and
            thresholds are fitted on them. They must not have trained the network.
        device: that predicts them.

    Raises:
        ModelError: the file can't be read safely, or holds another network.
        TaskError: an option is missing or doesn't fit. RunError: the folder exists.
        DataError: the images can't be read, or have no labels.
    """
    file, out = Path(file), Path(out)
    check_name(out.name)
    if out.exists():
        raise RunError(f"'{out}' exists already; name another folder with --out")
    name = check_arch(arch)
    state = without_wrapping(read_state_dict(file))
    made = _described(file, state, name, pixels or Pixels(), (classes, goal, loss), task)
    _check_cuts(made.task, cut_points, valid)
    learn = _network(made, file)
    with whole_folder(out) as folder:
        run = write_run(folder, made.task, made.statistics, file, cut_points)
        save_weights(learn.model, run.weights)
        if valid is not None:
            _fit(run, learn, valid, out, device)
    warn(
        "It isn't known which images this network was trained on: only images that it has never "
        "seen can judge it"
    )
    return Run.open(out)


@dataclass(frozen=True)
class _Described:
    """What an adopted network is.

    Attributes:
        state: weights of the body, with the classifier if it has its own.
        head: that stands on the body; None where it has its own classifier.
    """

    task: Task
    statistics: Statistics
    state: StateDict
    head: Head | None


def _described(  # noqa: PLR0917
    file: Path,
    state: StateDict,
    arch: str,
    pixels: Pixels,
    said: tuple[Sequence[str], str | None, str | None],
    base: Task | None,
) -> _Described:
    try:
        head = head_of(state)
        body = state if head is None else body_of(state, arch)
    except ModelError as error:
        raise ModelError(f"{file}: {error}") from None
    classes, goal, loss = said
    image = {
        key: getattr(pixels, key)
        for key in ("size", "fit", "resize", "interpolation")
        if getattr(pixels, key) is not None
    }
    channels = pixels.channels or (base.image.channels if base else _channels(body))
    normalize = normalization(arch, channels, pixels.mean, pixels.std)
    image |= {"channels": channels, "normalize": normalize.model_dump(mode="json")}
    settings = HeadSettings(own=True) if head is None else head.settings
    task = task_of(arch, classes, goal, settings, base=base, image=image, loss=loss)
    if head is not None:
        try:
            settings = _pooled(head, task)
        except ModelError as error:
            raise ModelError(f"{file}: {error}") from None
        task = task.with_changes({"head": settings.model_dump(exclude_defaults=True)})
    found = Statistics(normalize.mean, normalize.std)
    statistics = found if channels == 3 else found.of_grey()
    body = _with_outputs(file, body, head, task)
    return _Described(task, statistics, body, head and head._replace(settings=settings))


def _with_outputs(file: Path, state: StateDict, head: Head | None, task: Task) -> StateDict:
    """Return the weights with as many outputs as the task has, or refuse them."""
    name = classifier_of(state) if head is None else "weight"
    last = state.get(name) if head is None else head.layers[-1]["weight"]
    if last is None:
        raise ModelError(
            f"{file} has no layer that classifies, as 'fc.weight' or 'classifier.weight' would be; "
            "it may be a backbone alone, from which a training starts with --weights"
        )
    given = int(last.shape[0])
    if given == 1 and task.goal == "category" and len(task.classes) == 2:
        note(f"The one output is the logit of '{task.classes[1]}'.")
        if head is None:
            return with_two_outputs(state, name)
        head.layers[-1] = with_two_outputs(head.layers[-1], "weight")
        return state
    if given != task.outputs:
        raise ModelError(
            f"{file} gives {given} numbers for an image, and a {task.goal} of "
            f"{len(task.classes)} classes with the loss {task.loss} takes {task.outputs}: name all "
            "classes in their order with --classes, or say with --goal and --loss what they mean"
        )
    return state


def _channels(state: StateDict) -> int:
    """Return how many channels of an image the weights take; other layers may take one, too."""
    given = {int(value.shape[1]) for value in state.values() if value.ndim == 4}
    return 1 if 1 in given and 3 not in given else 3


def _pooled(head: Head, task: Task) -> HeadSettings:
    """Return the settings of a head, with the pooling that its first layer has room for.

    Raises:
        ModelError: it has room for none.
    """
    features = make_body(task.with_changes({"head": {}}), download=False).features
    width = int(head.layers[0]["weight"].shape[-1])
    pools = {2 * features: "concat", features: "avg"}
    if width not in pools:
        raise ModelError(
            f"its head takes {width} features, and {task.train.arch} gives {features}, or twice as "
            "many; was it made for another --arch?"
        )
    return head.settings.model_copy(update={"pool": pools[width]})


def _network(made: _Described, file: Path) -> Learner:
    """Return the learner of the task, with the weights of the file, all of them.

    Raises:
        ModelError: weights are missing or have another shape.
    """
    dls = empty_dataloaders(made.task, made.statistics, device="cpu")
    learn = learner(made.task, dls, initialize=False)
    load_body_weights(backbone_of(learn.model).net, file, state=made.state)
    if made.head is not None:
        try:
            made.head.fill(learn.model[1])
        except ModelError as error:
            raise ModelError(f"{file}: {error}") from None
    learn.model.eval()
    return learn


def _fit(run: Run, learn: Learner, valid: str | Path, out: Path, device: str | None) -> None:
    """Let labelled images be the validation part, and fit on it what a training fits."""
    task = run.task
    items = readable(read_input(task, valid), task, False, True)
    items = items[items["target"] != ""]
    if items.empty:
        raise DataError(f"no image in {valid} has a label to calibrate by")
    root = root_of(items)
    items = hide_items(items.assign(split="valid"), task.pseudonymise)
    items.attrs[ROOT] = str(root)
    write_own_items(run, items)
    run.update(data=relative_path(root.absolute(), run.path))
    finish(run, learn)
    run.update(data=relative_path(root.absolute(), out.absolute()))


def _check_cuts(task: Task, cut_points: Sequence[float] | None, valid: str | Path | None) -> None:
    if cut_points is None:
        return
    if task.goal != "grade":
        raise TaskError("--cut-points have no effect with goal = 'category'")
    if valid is not None:
        raise TaskError("--cut-points have no effect with --valid, which they are fitted on")
    points = list(cut_points)
    if len(points) != len(task.classes) - 1 or sorted(points) != points:
        raise TaskError(
            f"--cut-points takes {len(task.classes) - 1} ascending numbers for "
            f"{len(task.classes)} grades"
        )

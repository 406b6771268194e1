"""Ways to compute a training step, and which of them is the quickest here."""

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import torch
from fastai.learner import Learner
from torch import Tensor, nn
from torch.amp import autocast

from fastmed.console import note
from fastmed.learn.fitting.compiling import what_is_missing
from fastmed.learn.fitting.measures import labelled_loader
from fastmed.learn.fitting.precision import choose_precision
from fastmed.learn.fitting.randomness import untouched_randomness
from fastmed.learn.memory import memory_kept
from fastmed.network_files import is_code
from fastmed.settings.techniques import Precision
from fastmed.task import Task

GAIN = 1.05  # a way that is not quicker by this is no reason to leave a simpler one
SHARE = 0.02  # of the training that measuring may take
SHORT = 60.0  # seconds of training below which nothing is measured
LONG = 3600.0  # and above which even compiling, which takes minutes, may pay
FEW = 200  # steps of a training that is short on any machine
ON_CPU = 32  # images of a step that is measured on a CPU
ROUNDS = 3, 7  # the fewest and the most that two ways are compared in
_SMALL = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Way:
    """How a step is computed.

    Attributes:
        precision: of the computations.
        channels_last: lay out images and weights in memory pixel by pixel.
        compile: make the network one program.
    """

    precision: Precision = "fp32"
    channels_last: bool = False
    compile: bool = False

    def __str__(self) -> str:
        more = [("channels last", self.channels_last), ("compiled", self.compile)]
        return ", ".join([self.precision, *(name for name, taken in more if taken)])

    def to_json(self) -> dict[str, Any]:
        """Return the way as JSON holds it."""
        return asdict(self)


@dataclass(frozen=True)
class Found:
    """The quickest way.

    Attributes:
        way: it.
        images: of the step that was measured.
        seconds: of a step in each way that was tried, beginning with the one that was asked for.
    """

    way: Way
    images: int
    seconds: dict[Way, float]

    @property
    def gain(self) -> float:
        """How many times as quick it is as the way that was asked for."""
        return next(iter(self.seconds.values())) / self.seconds[self.way]

    def to_json(self) -> dict[str, Any]:
        """Return what was measured, and what was chosen."""
        tried = [{**way.to_json(), "seconds": round(s, 5)} for way, s in self.seconds.items()]
        return {"chosen": self.way.to_json(), "images": self.images, "tried": tried}

    @classmethod
    def of_json(cls, info: dict[str, Any]) -> Self:
        """Return what `to_json` wrote."""
        tried = {
            Way(**{name: one[name] for name in asdict(Way())}): one["seconds"]
            for one in info["tried"]
        }
        return cls(Way(**info["chosen"]), info["images"], tried)


def asked_way(task: Task, device: torch.device) -> Way:
    """Return the way that the task asks for, and where it leaves a choice, the plain one.

    On a GPU half precision is plain: there it is always the quicker one.
    """
    train = task.train
    precision = choose_precision(train.precision, device.type, plain=train.speed == "plain")
    return Way(precision, bool(train.channels_last), bool(train.compile))


def is_open(task: Task) -> bool:
    """True if the task leaves a choice."""
    train = task.train
    asked = train.precision != "auto" and None not in (train.channels_last, train.compile)
    return train.speed == "auto" and not asked and not task.metadata_only


def quickest_way(learn: Learner, task: Task, steps: int) -> Found | None:
    """Return the quickest way to compute the steps of a training, by measuring some of them.

    Nothing of the learner changes, and no random number is drawn. Each way is tried beside the
    best one so far, in turns.

    Args:
        learn: at its start.
        task: says what is fixed; a way that the device can't compute is told and passed by.
        steps: of the whole training.

    Returns:
        None where a short training leaves nothing to gain.
    """
    if steps < FEW:
        return None
    device = torch.device(learn.dls.device)
    with untouched_randomness(), memory_kept(device):
        bench = _Bench(learn, device)
        best = asked_way(task, device)
        seconds = {best: bench.seconds(best, rounds=1)}
        whole = seconds[best] * steps
        if whole < SHORT:
            return None
        for change in _changes(task, device, whole):
            other = replace(best, **change)
            rounds = int(min(ROUNDS[1], max(ROUNDS[0], SHARE * whole / seconds[best] / 4)))
            try:
                found = bench.compare(best, other, rounds)
            except RuntimeError as error:
                note(f"Steps can't be computed in {other} here: {str(error).splitlines()[0]}")
                continue
            seconds |= found
            if found[best] > GAIN * found[other]:
                best = other
    return Found(best, bench.images, seconds)


def _changes(task: Task, device: torch.device, whole: float) -> Iterator[dict[str, Any]]:
    """Yield what may be changed of a way: each is tried on top of those that paid."""
    train = task.train
    if train.channels_last is None and not is_code(train.arch):
        yield {"channels_last": True}
    if train.precision == "auto" and device.type == "cpu" and _has_quick_bf16():
        yield {"precision": "bf16"}
    if train.compile is None and _may_compile(device, whole):
        yield {"compile": True}


def _may_compile(device: torch.device, whole: float) -> bool:
    """True if compiling may pay; on CPUs it takes minutes, and was never quicker."""
    return device.type == "cuda" and whole > LONG and what_is_missing("cuda") is None


class _Bench:
    """Steps of a copy of a network, on a batch that lies on the device already."""

    def __init__(self, learn: Learner, device: torch.device) -> None:
        self.learn, self.device = learn, device
        count = learn.dls.train.bs if device.type == "cuda" else min(learn.dls.train.bs, ON_CPU)
        loader = labelled_loader(learn.dls, learn.dls.train.items.head(count))
        batch = [_plain(part) for part in loader.one_batch()]
        self.inputs, self.targets = batch[: learn.dls.n_inp], batch[learn.dls.n_inp :]
        self.images = len(batch[0])

    def compare(self, one: Way, other: Way, rounds: int) -> dict[Way, float]:
        """Return the seconds of a step in two ways, which take turns."""
        steps = {way: self._step(way) for way in (one, other)}
        for step in steps.values():
            self._timed(step)
        rows = [{way: self._timed(step) for way, step in steps.items()} for _ in range(rounds)]
        return {way: min(row[way] for row in rows) for way in steps}

    def seconds(self, way: Way, rounds: int) -> float:
        """Return the seconds of a step."""
        step = self._step(way)
        self._timed(step)
        return min(self._timed(step) for _ in range(rounds))

    def _step(self, way: Way) -> Callable[[], None]:
        model = copy.deepcopy(self.learn.model).train()
        inputs = self.inputs
        if way.channels_last:
            model.to(memory_format=torch.channels_last)
            images = inputs[0].contiguous(memory_format=torch.channels_last)
            inputs = [images, *inputs[1:]]
        if way.compile:
            model.compile()
        return lambda: self._forth_and_back(model, inputs, way)

    def _forth_and_back(self, model: nn.Module, inputs: list[Tensor], way: Way) -> None:
        with casting(way.precision, self.device):
            loss = self.learn.loss_func(model(*inputs), *self.targets)
        loss.backward()
        for parameter in model.parameters():
            parameter.grad = None

    def _timed(self, step: Callable[[], None]) -> float:
        wait_for(self.device)
        began = self._clock()
        step()
        wait_for(self.device)
        return self._clock() - began

    def _clock(self) -> float:
        """Return seconds; on a CPU those of this process, whatever else the machine does."""
        if self.device.type != "cpu":
            return time.perf_counter()
        return time.process_time() / torch.get_num_threads()


def casting(precision: Precision, device: torch.device) -> Any:
    """Return what lets a step compute in a precision."""
    if precision not in _SMALL:
        return nullcontext()
    return autocast(device.type, dtype=_SMALL[precision])


def wait_for(device: torch.device) -> None:
    """Wait until a device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _plain(part: Tensor) -> Tensor:
    return part.as_subclass(Tensor)


def _has_quick_bf16() -> bool:
    """True if this processor computes in bf16 itself; elsewhere a step would take minutes."""
    images, weights = torch.zeros(8, 32, 32, 32), torch.zeros(32, 32, 3, 3)

    def seconds(kind: torch.dtype) -> float:
        given = images.to(kind), weights.to(kind)
        times = []
        for _ in range(4):
            began = time.perf_counter()
            torch.conv2d(*given)
            times.append(time.perf_counter() - began)
        return min(times)

    return seconds(torch.bfloat16) < seconds(torch.float32)

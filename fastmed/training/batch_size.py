"""The largest batch whose training step fits into the memory of a device."""

import psutil
import torch
from fastai.learner import Learner
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from fastmed.console import note
from fastmed.errors import TrainingError
from fastmed.learn.distributed.team import team
from fastmed.learn.fitting.randomness import untouched_randomness
from fastmed.learn.fitting.techniques import check_machine
from fastmed.learn.fitting.ways import asked_way, casting
from fastmed.learn.input.loaders import choose_device, empty_dataloaders
from fastmed.learn.input.statistics import Statistics
from fastmed.learn.learner import learner
from fastmed.task import Task
from fastmed.training.train import with_timm_name

MOST = 512
_ON_GPU, _ON_CPU = 0.85, 0.5  # of what is free: other programs use a machine's own memory, too
_COPIES = 4  # of the weights: themselves, their gradients, and two means of an optimizer
_PASSING = 1.5  # what a step holds for a moment, beside what it keeps for the way back
_FEW = 2  # images that are measured


def largest_batch(task: Task, device: str | None = None) -> int:
    """Return the largest power of two of images that a training step has memory for, 512 at most.

    Of several processes that train together each has its own share of the batch, and the main one
    measures for all.

    What the step keeps for its way back is counted on two images; on a GPU the batch is then tried,
    and halved until it fits. A larger batch needs no better model: see the learning rate again.

    Args:
        task: whose network is trained; its metadata count for nothing.
        device: ``cpu``, ``cuda``, ...; None takes the best.

    Raises:
        TrainingError: not even two images fit.
        ModelError: the backbone is unknown.
    """
    count = _largest(task, choose_device(device)) if team().main else None
    return int(team().share(count)) * team().count


def _largest(task: Task, chosen: torch.device) -> int:
    check_machine(task, chosen)
    if task.metadata_only:
        return MOST
    plain = task.with_changes({"meta": [], "train.pretrained": False, "train.weights": None})
    with untouched_randomness():
        learn = _learner(with_timm_name(plain), chosen)
        free = _free(chosen)
        fixed = _COPIES * sum(one.nbytes for one in learn.model.parameters())
        each = _PASSING * _kept(learn, plain, _FEW, chosen) / _FEW
        count = _power_of_two((free - fixed) / each)
        while chosen.type == "cuda" and count >= _FEW and not _fits(learn, plain, count, chosen):
            count //= 2
    if count < _FEW:
        raise TrainingError(
            f"a step of {task.train.arch} with two images of {task.image.size} pixels needs "
            f"{(fixed + _FEW * each) / 1e9:.1f} GB, and {chosen} has {free / 1e9:.1f} GB to give; "
            "take a smaller --size or --arch"
        )
    note(
        f"The largest batch that fits into {free / 1e9:.1f} GB of {chosen}: {count} images; a "
        f"larger batch may want a higher --lr (now {task.train.lr:g})."
    )
    return count


def _learner(task: Task, device: torch.device) -> Learner:
    channels = task.image.channels
    statistics = Statistics((0.5,) * channels, (0.25,) * channels)
    learn = learner(task, empty_dataloaders(task, statistics, device=str(device)))
    learn.model.to(device).train()
    return learn


def _free(device: torch.device) -> float:
    """Return the bytes that a training may take."""
    if device.type == "cuda":
        return _ON_GPU * torch.cuda.mem_get_info(device)[0]
    return _ON_CPU * psutil.virtual_memory().available


def _kept(learn: Learner, task: Task, count: int, device: torch.device) -> int:
    """Return the bytes that a step keeps for the way back, beside the weights."""
    weights = {one.untyped_storage().data_ptr() for one in learn.model.parameters()}
    found: dict[int, int] = {}

    def keep(value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        if storage.data_ptr() not in weights:
            found[storage.data_ptr()] = storage.nbytes()
        return value

    with saved_tensors_hooks(keep, lambda value: value):
        loss = _loss(learn, task, count, device)
    del loss
    return sum(found.values())


def _loss(learn: Learner, task: Task, count: int, device: torch.device) -> Tensor:
    size = task.image.size
    images = torch.zeros(count, task.image.channels, size, size, device=device)
    kind = torch.long if task.goal == "category" else torch.float32
    targets = torch.zeros(count, dtype=kind, device=device)
    with casting(asked_way(task, device).precision, device):
        loss: Tensor = learn.loss_func(learn.model(images), targets)
    return loss


def _fits(learn: Learner, task: Task, count: int, device: torch.device) -> bool:
    """True if a step has memory enough, with room for what an optimizer keeps."""
    room = None
    try:
        room = [torch.empty_like(one) for one in learn.model.parameters() for _ in range(2)]
        torch.autograd.backward(_loss(learn, task, count, device))
    except torch.OutOfMemoryError:
        return False
    finally:
        del room
        learn.model.zero_grad()
        torch.cuda.empty_cache()
    return True


def _power_of_two(count: float) -> int:
    """Return the largest power of two up to a number, `MOST` at most; 0 below two."""
    return 0 if count < _FEW else min(MOST, 1 << (int(count).bit_length() - 1))

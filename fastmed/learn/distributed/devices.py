"""The device of each of several processes."""

import torch

from fastmed.errors import TrainingError
from fastmed.processes import seat


def own_device(name: str | None) -> str | None:
    """Return the device that this process takes; without others, the one that was asked for.

    Args:
        name: ``cpu``, ``cuda`` or this process's own GPU; None takes GPUs if there are any.

    Raises:
        TrainingError: the processes can't have one each.
    """
    own = seat()
    if own.count == 1:
        return name
    kind, _, number = (name or ("cuda" if torch.cuda.is_available() else "cpu")).partition(":")
    if kind == "cpu" or not torch.cuda.is_available():
        return kind
    if kind != "cuda":
        raise TrainingError(f"several processes train on CUDA GPUs or on the CPU, not on '{name}'")
    if number not in ("", str(own.local_rank)):
        raise TrainingError(
            f"--device {name} is one GPU for {own.count} processes; with --device cuda each takes "
            "its own"
        )
    if own.local_rank >= (there := torch.cuda.device_count()):
        raise TrainingError(
            f"this machine has {there} GPUs and more processes; start one for each GPU "
            f"(--nproc_per_node {there})"
        )
    torch.cuda.set_device(own.local_rank)
    return f"cuda:{own.local_rank}"

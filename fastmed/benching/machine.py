"""What a measured time depends on beside the program: the machine, and how busy it is."""

import os
import platform
from typing import Any

import psutil
import torch

from fastmed.console import warn
from fastmed.run.versions import processor_name

_BUSY = 20  # percent of all cores that other programs may keep at work
_LOOKED = 0.5  # seconds


def machine_facts(device: torch.device) -> dict[str, Any]:
    """Return what a speed depends on: processor, cores, memory, device, system.

    Args:
        device: that computes.
    """
    facts = {
        "system": platform.platform(),
        "python": platform.python_version(),
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "device": str(device),
    }
    return {**facts, **_gpu_facts(device)}


def busy_percent() -> float:
    """Return how much of all cores is at work while this program waits; warn if it is much."""
    busy = float(psutil.cpu_percent(interval=_LOOKED))
    if busy > _BUSY:
        warn(
            f"other programs take {busy:.0f}% of this machine's cores: what is measured is slower "
            "than it can be, and shares are uncertain"
        )
    return busy


def _gpu_facts(device: torch.device) -> dict[str, Any]:
    if device.type != "cuda":
        return {}
    found = torch.cuda.get_device_properties(device)
    return {
        "gpu": found.name,
        "gpu_memory_gb": round(found.total_memory / 2**30, 1),
        "cuda": torch.version.cuda,
    }

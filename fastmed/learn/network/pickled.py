"""Weights in PyTorch's own format, a pickle: turned into safetensors by a process of its own.

PyTorch's reader with ``weights_only`` runs no code of the file, but a small file can still make it
take any amount of memory or time. So it works in a process with limits of both, which hands over
nothing but a file that is read and checked like any other.
"""

import argparse
import multiprocessing
import signal
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import TimeoutError
from contextlib import suppress
from pathlib import Path

import torch
from pebble import ProcessExpired, ProcessPool
from safetensors.torch import save_file
from torch import Tensor

from fastmed.errors import ModelError

_NESTED = ("state_dict", "model", "model_state", "model_state_dict", "params", "module")
_SECONDS = 20  # and one more for each 20 MB of the file
_MEMORY = 3 * 2**28  # bytes, and three times those of the file


def read_pickled(path: Path, read: Callable[[Path], dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the tensors of a plain PyTorch state dict, possibly nested, by name.

    Args:
        path: of the file.
        read: reads a safetensors file.

    Raises:
        ModelError: the file is damaged, would run code, or takes too much memory or time.
    """
    size = path.stat().st_size
    seconds, memory = _SECONDS + size / 2e7, _MEMORY + 3 * size
    # Forked on Linux, so that a script needs no main guard.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.safetensors"
        with ProcessPool(1, initializer=_limit, initargs=[memory], context=context) as pool:
            try:
                pool.schedule(_convert, args=[path, file], timeout=seconds).result()
            except TimeoutError:
                reason = f"takes longer than {seconds:.0f} seconds to be read"
                raise ModelError(f"{path} {reason}; is it damaged?") from None
            except (ProcessExpired, MemoryError):
                reason = f"takes more than {memory / 2**30:.1f} GB of memory to be read"
                raise ModelError(f"{path} {reason}, or makes its reader crash") from None
        return {name: value.clone() for name, value in read(file).items()}


def _limit(memory: int) -> None:
    """Give this process an end of its memory; Ctrl-C is its parent's matter."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _convert(path: Path, out: Path) -> None:
    """Write the tensors of a state dict as safetensors."""
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):  # plain settings beside them
            content = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception:
        raise ModelError(
            f"{path} is not a plain state dict: reading it would run code from the file, or it "
            "is damaged; save it anew with safetensors.torch.save_file(model.state_dict(), FILE)"
        ) from None
    try:
        save_file(_plain_tensors(content), out)
    except MemoryError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path} holds tensors that are no plain weights ({reason})") from None


def _plain_tensors(content: object) -> dict[str, Tensor]:
    """Return the tensors by name, from whichever inner dict they are in, each with own memory."""
    while isinstance(content, dict):
        inner = next((key for key in _NESTED if isinstance(content.get(key), dict)), None)
        if inner is None:
            break
        content = content[inner]
    if not isinstance(content, dict):
        return {}
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    return {name: value.detach().contiguous().clone() for name, value in tensors.items()}

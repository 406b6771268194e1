"""Networks that PyTorch compiles."""

import os
import shutil
from importlib.util import find_spec

from fastai.callback.core import Callback

from fastmed.errors import TrainingError


class Compile(Callback):
    """Has PyTorch compile the network for the time of a fit."""

    order = -1

    def before_fit(self) -> None:
        """Mark the network; it is compiled when the first batch comes."""
        self.learn.model.compile()

    def after_fit(self) -> None:
        """Leave the network as it was."""
        self.learn.model._compiled_call_impl = None


def what_is_missing(device: str) -> str | None:
    """Return what compiling lacks on a type of device, and what to do; None for nothing."""
    if device == "cuda" and find_spec("triton") is None:
        return "Triton on a GPU, which is not installed"
    named = os.environ.get("CXX", "").split()[:1]
    if not any(map(shutil.which, named or ("g++", "clang++", "cl"))):
        return (
            "a C++ compiler, and none is found (CXX, g++, clang++, cl); install one, or leave it "
            "out"
        )
    return None


def check_compiler(device: str) -> None:
    """Refuse to compile where something is missing.

    Raises:
        TrainingError: says what.
    """
    missing = what_is_missing(device)
    if missing is not None:
        raise TrainingError(f"compile = true needs {missing}")

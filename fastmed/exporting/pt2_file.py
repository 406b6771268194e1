"""Predictions by PyTorch's own archive of an exported network."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from fastmed.exporting.run_file import Inputs, Predict


def runner(path: Path, names: Sequence[str]) -> Predict:
    """Return what predicts by an archive that fastmed has just written.

    PyTorch's reader may run code of an archive, so it is given no other.

    Args:
        path: of the archive.
        names: of its inputs, in their order.
    """
    with path.open("rb") as file:  # whose name may end in anything
        network = torch.export.load(file).module()

    def predict(inputs: Inputs) -> dict[str, np.ndarray]:
        given = [torch.tensor(inputs[name]) for name in names]
        with torch.no_grad():
            return {name: value.numpy() for name, value in network(*given).items()}

    return predict

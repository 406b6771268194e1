"""What a training takes: how many weights the network has, and how much memory it needs."""

import psutil
import torch
from fastai.callback.core import Callback

from fastmed.run import Run


class Footprint(Callback):
    """Writes ``parameters`` and ``memory_megabytes`` into the run.

    Memory is the most that PyTorch has allocated on a GPU, or that the process holds when a loss
    is computed, with all activations there. On a CPU that includes Python and its libraries.
    """

    run_valid = False

    def __init__(self, run: Run) -> None:
        self.run_folder = run
        self.most = int(run.info.get("memory_megabytes") or 0) * 10**6

    def before_fit(self) -> None:
        """Count the weights."""
        weights = sum(parameter.numel() for parameter in self.model.parameters())
        self.run_folder.update(parameters=weights)
        if self._on_gpu():
            torch.cuda.reset_peak_memory_stats(self.dls.device)

    def after_loss(self) -> None:
        """Look at the memory."""
        if self._on_gpu():
            held = torch.cuda.max_memory_allocated(self.dls.device)
        else:
            held = psutil.Process().memory_info().rss
        self.most = max(self.most, held)

    def after_epoch(self) -> None:
        """Write it down."""
        self.run_folder.update(memory_megabytes=round(self.most / 1e6))

    def _on_gpu(self) -> bool:
        return torch.device(self.dls.device).type == "cuda"

"""The precision that a network is trained in."""

import torch
from fastai.callback.fp16 import AMPMode, MixedPrecision
from fastai.learner import Learner
from torch.amp import GradScaler, autocast

from fastmed.errors import TrainingError
from fastmed.settings.techniques import Precision


class HalfPrecision(MixedPrecision):
    """Computes in half precision where PyTorch holds that to be safe, on any device.

    fastai's own does so on CUDA alone.

    Args:
        mode: ``bf16``, or ``fp16``, whose losses are scaled.
        device: such as ``cuda`` or ``cpu``.
    """

    def __init__(self, mode: str, device: str) -> None:
        super().__init__(amp_mode=AMPMode(mode))
        self.device = device
        self.within = False

    def before_fit(self) -> None:
        """Make what casts, and what scales losses."""
        small = self.amp_mode == AMPMode.FP16
        kind = torch.float16 if small else torch.bfloat16
        self.autocast = autocast(self.device, dtype=kind)
        self.learn.scaler = GradScaler(self.device, enabled=small)
        self.scales: list[float] = []

    def before_batch(self) -> None:
        """Begin to cast."""
        super().before_batch()
        self.within = True

    def after_loss(self) -> None:
        """Cast no more."""
        super().after_loss()
        self.within = False

    def leave(self) -> None:
        """Cast no more, if a batch was broken off; else all that follows would be cast."""
        if self.within:
            self.after_loss()


def leave_half_precision(learn: Learner) -> None:
    """See that a fit that was broken off leaves the process in full precision."""
    for callback in learn.cbs:
        if isinstance(callback, HalfPrecision):
            callback.leave()


def set_precision(learn: Learner, precision: Precision) -> Learner:
    """Let a Learner compute in ``fp32``, ``bf16`` or ``fp16``, and in no other any more."""
    learn.remove_cbs([one for one in learn.cbs if isinstance(one, HalfPrecision)])
    if precision != "fp32":
        learn.add_cb(HalfPrecision(precision, torch.device(learn.dls.device).type))
    return learn


def choose_precision(precision: Precision, device: str, plain: bool = False) -> Precision:
    """Return the precision to compute in.

    Args:
        precision: ``auto`` is half precision on a CUDA device (``bf16`` where it has it) and full
            precision elsewhere.
        device: its type, such as ``cuda``.
        plain: ``auto`` is full precision on every device.

    Raises:
        TrainingError: the device can't compute so.
    """
    if precision == "auto":
        return "fp32" if plain else _best(device)
    if precision == "fp16" and device == "cpu":
        raise TrainingError("precision = 'fp16' needs a GPU; a CPU computes in bf16 or fp32")
    if precision == "bf16" and device == "cuda" and not torch.cuda.is_bf16_supported():
        raise TrainingError("this GPU does not compute in bf16; take precision = 'fp16'")
    return precision


def _best(device: str) -> Precision:
    if device != "cuda":
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"

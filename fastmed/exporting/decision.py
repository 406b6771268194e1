"""From a network's outputs to probabilities and decisions, as tensors.

What `fastmed.results.calibration` does with NumPy once the network has answered, here becomes a
part of the network. A test compares the two.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fastmed.learn.outputs import expected_grade
from fastmed.results.calibration.probabilities import TINY, Calibration

_BEYOND = 1e6  # grades: farther than any value


class Decision(nn.Module):
    """Turns outputs (B, K), or values of plain grades (B,), into what a run predicts."""

    weighed: Tensor
    shift: Tensor
    cuts: Tensor

    def __init__(self, calibration: Calibration, classes: int) -> None:
        super().__init__()
        self.temperature, self.scale = calibration.temperature, calibration.scale
        self.is_plain = calibration.temperature == 1 and calibration.weights is None
        self.is_plain = self.is_plain and calibration.prevalence is None
        self.is_grade = calibration.cut_points is not None
        self.is_shifted = calibration.prevalence is not None
        weights, shift = np.ones(classes), np.zeros(classes)
        if calibration.weights is not None:
            weights = calibration.weights
        if calibration.prevalence is not None and calibration.shares is not None:
            shift = np.log(calibration.prevalence) - np.log(calibration.shares)
        cuts = np.zeros(0) if calibration.cut_points is None else calibration.cut_points
        for name, value in (("weighed", np.log(weights)), ("shift", shift), ("cuts", cuts)):
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32), persistent=False)

    def forward(self, outputs: Tensor) -> dict[str, Tensor]:
        """Return ``probabilities`` (B, K), ``predicted`` (B,), of grades ``value``, ``grade``."""
        scores = self._of_grades(outputs) if outputs.ndim == 1 else outputs
        found = {"probabilities": self._probabilities(scores)}
        if not self.is_grade:
            return {**found, "predicted": self._likeliest(outputs)}
        value = outputs if outputs.ndim == 1 else expected_grade(outputs)
        grade = (value[:, None] >= self.cuts).sum(1)
        return {**found, "predicted": grade, "value": value, "grade": grade.clone()}

    def _probabilities(self, scores: Tensor) -> Tensor:
        if self.is_plain:
            return scores
        logs = (_logs(scores) - self.weighed) / self.temperature
        return (logs + self.shift).softmax(1)

    def _likeliest(self, outputs: Tensor) -> Tensor:
        if not self.is_shifted:
            return outputs.argmax(1)
        return (_logs(outputs) + self.temperature * self.shift).argmax(1)

    def _of_grades(self, values: Tensor) -> Tensor:
        """Return the probability of each grade by proportional odds, as `grades.grade_scores`."""
        end = self.cuts.new_full((1,), _BEYOND)
        edges = torch.cat([-end, self.cuts, end])
        apart = (edges - values[:, None]) / self.scale
        low, high = apart[:, :-1], apart[:, 1:]
        both = functional.logsigmoid(high) + functional.logsigmoid(-low)
        return torch.exp(both) * (1 - torch.exp(low - high))


def _logs(scores: Tensor) -> Tensor:
    return torch.log(scores.clamp(min=TINY))

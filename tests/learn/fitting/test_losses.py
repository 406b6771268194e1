import math

import pytest
import torch
from conftest import tiny_task

from fastmed.learn.fitting.losses import LOSSES, make_loss
from fastmed.task import LOSSES_OF

VALUES = torch.tensor([[0.5], [3.0], [-1.0], [2.25]])
GRADES = torch.tensor([0.0, 1.0, 0.0, 2.0])  # distances 0.5, 2, 1, 0.25
BY_HAND = {
    "smooth_l1": (0.125 + 1.5 + 0.5 + 0.03125) / 4,
    "mse": (0.25 + 4 + 1 + 0.0625) / 4,
    "l1": (0.5 + 2 + 1 + 0.25) / 4,
}


@pytest.mark.parametrize("name", LOSSES_OF["grade"])
def test_grade_losses_by_hand(name: str) -> None:
    """Values (B, 1) and grades (B,) are flattened; broadcast to (B, B) they'd give another mean."""
    loss = make_loss(tiny_task("retinopathy", train__loss=name))
    assert loss(VALUES, GRADES).item() == pytest.approx(BY_HAND[name])
    assert loss(VALUES, GRADES.unsqueeze(1)).item() == pytest.approx(BY_HAND[name])
    loss.reduction = "none"
    assert loss(VALUES, GRADES).shape == (4,)


@pytest.mark.parametrize("name", LOSSES_OF["grade"])
def test_gradient_of_a_value_depends_on_its_own_grade_only(name: str) -> None:
    values = VALUES.clone().requires_grad_()
    make_loss(tiny_task("retinopathy", train__loss=name))(values, GRADES).backward()
    assert torch.equal(values.grad.sign().flatten(), (VALUES.flatten() - GRADES).sign())


def cross_entropy(logits: torch.Tensor, target: int, smoothing: float = 0.0) -> float:
    scores = logits.softmax(0)
    shares = [smoothing / len(scores) + (1 - smoothing) * (k == target) for k in range(len(scores))]
    return sum(-share * math.log(score) for share, score in zip(shares, scores, strict=True))


LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 0.0], [-1.0, 2.0, 0.3]])
TARGETS = torch.tensor([0, 2, 2])


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.4])
def test_cross_entropy_with_label_smoothing_by_hand(smoothing: float) -> None:
    loss = make_loss(tiny_task("lungs", train__label_smoothing=smoothing))
    rows = zip(LOGITS, TARGETS.tolist(), strict=True)
    expected = sum(cross_entropy(logits, target, smoothing) for logits, target in rows) / 3
    assert loss(LOGITS, TARGETS).item() == pytest.approx(expected, rel=1e-5)


def test_class_weights_weigh_by_hand() -> None:
    weights = [0.5, 1.0, 3.0]
    loss = make_loss(tiny_task("lungs"), weights)
    rows = [(logits, target) for logits, target in zip(LOGITS, TARGETS.tolist(), strict=True)]
    weighted = sum(weights[target] * cross_entropy(logits, target) for logits, target in rows)
    expected = weighted / sum(weights[target] for _, target in rows)
    assert loss(LOGITS, TARGETS).item() == pytest.approx(expected, rel=1e-5)


def test_every_loss_becomes_a_learners_loss() -> None:
    for name in LOSSES:
        goal = "lungs" if name in LOSSES_OF["category"] else "retinopathy"
        loss = make_loss(tiny_task(goal, train__loss=name))
        outputs = LOGITS if goal == "lungs" else VALUES
        targets = TARGETS if goal == "lungs" else GRADES
        assert loss(outputs, targets).ndim == 0
        assert loss.decodes(loss.activation(outputs)).shape[0] == len(outputs)

import math
from collections.abc import Callable

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
    "huber": (0.125 + 1.5 + 0.5 + 0.03125) / 4,
}


@pytest.mark.parametrize("name", BY_HAND)
def test_grade_losses_by_hand(name: str) -> None:
    """Values (B, 1) and grades (B,) are flattened; broadcast to (B, B) they'd give another mean."""
    loss = make_loss(tiny_task("retinopathy", train__loss=name))
    assert loss(VALUES, GRADES).item() == pytest.approx(BY_HAND[name])
    assert loss(VALUES, GRADES.unsqueeze(1)).item() == pytest.approx(BY_HAND[name])
    loss.reduction = "none"
    assert loss(VALUES, GRADES).shape == (4,)


@pytest.mark.parametrize("name", BY_HAND)
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


def test_smooth_l1_and_huber_turn_where_they_are_told() -> None:
    """From a distance of d on a mistake counts by itself: |x| - d/2, and Huber's d times that."""
    smooth = make_loss(tiny_task("retinopathy", train__loss="smooth_l1", train__smooth_l1_beta=0.5))
    huber = make_loss(tiny_task("retinopathy", train__loss="huber", train__huber_delta=0.5))
    expected = (0.25 + 1.75 + 0.75 + 0.25**2 / 2 / 0.5) / 4
    assert smooth(VALUES, GRADES).item() == pytest.approx(expected)
    assert huber(VALUES, GRADES).item() == pytest.approx(0.5 * expected)


def focal(logits: torch.Tensor, target: int, gamma: float) -> float:
    share = logits.softmax(0)[target].item()
    return -((1 - share) ** gamma) * math.log(share)


@pytest.mark.parametrize("gamma", [0.5, 2, None])
def test_focal_loss_by_hand(gamma: float | None) -> None:
    loss = make_loss(tiny_task("lungs", train__loss="focal", train__focal_gamma=gamma))
    rows = zip(LOGITS, TARGETS.tolist(), strict=True)
    expected = [focal(logits, target, gamma or 2) for logits, target in rows]
    assert loss(LOGITS, TARGETS).item() == pytest.approx(sum(expected) / 3, rel=1e-5)
    loss.reduction = "none"
    assert loss(LOGITS, TARGETS).tolist() == pytest.approx(expected, rel=1e-5)


def test_focal_loss_of_a_sure_image_has_a_gradient() -> None:
    outputs = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    make_loss(tiny_task("lungs", train__loss="focal", train__focal_gamma=0.5))(
        outputs, torch.tensor([0])
    ).backward()
    assert torch.isfinite(outputs.grad).all()


def binary(logits: torch.Tensor, target: int, smoothing: float) -> float:
    total = 0.0
    for place, share in enumerate(logits.sigmoid().tolist()):
        goal = (1 - smoothing) * (place == target) + smoothing / len(logits)
        total -= goal * math.log(share) + (1 - goal) * math.log(1 - share)
    return total / len(logits)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_bce_by_hand(smoothing: float) -> None:
    loss = make_loss(tiny_task("lungs", train__loss="bce", train__label_smoothing=smoothing))
    rows = zip(LOGITS, TARGETS.tolist(), strict=True)
    expected = sum(binary(logits, target, smoothing) for logits, target in rows) / 3
    assert loss(LOGITS, TARGETS).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("name", "one"), [("focal", focal), ("bce", binary)])
def test_class_weights_weigh_other_losses_likewise(name: str, one: Callable[..., float]) -> None:
    weights = [0.5, 1.0, 3.0]
    loss = make_loss(tiny_task("lungs", train__loss=name), weights)
    number = 2.0 if name == "focal" else 0.0
    rows = [(logits, target) for logits, target in zip(LOGITS, TARGETS.tolist(), strict=True)]
    weighted = sum(weights[target] * one(logits, target, number) for logits, target in rows)
    expected = weighted / sum(weights[target] for _, target in rows)
    assert loss(LOGITS, TARGETS).item() == pytest.approx(expected, rel=1e-5)
    loss.reduction = "none"
    assert loss(LOGITS, TARGETS).mean().item() == pytest.approx(expected, rel=1e-5)


def test_every_loss_becomes_a_learners_loss() -> None:
    for name in LOSSES:
        goal = "lungs" if name in LOSSES_OF["category"] else "retinopathy"
        task = tiny_task(goal, train__loss=name)
        loss = make_loss(task)
        outputs = torch.randn(4, task.outputs)
        targets = torch.tensor([0, 1, 2, 2]) if goal == "lungs" else GRADES
        assert loss(outputs, targets).ndim == 0
        assert loss.decodes(loss.activation(outputs)).shape[0] == len(outputs)
        loss.reduction = "none"
        assert loss(outputs, targets).shape == (4,)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("CrossEntropyLoss", "cross_entropy"), ("BCEWithLogitsLoss", "bce"), ("Focal", "focal"),
        ("SmoothL1Loss", "smooth_l1"), ("MSELoss", "mse"), ("L1Loss", "l1"), ("CORN", "corn"),
        ("HuberLoss", "huber"), ("smooth-l1", "smooth_l1"),
    ],
)  # fmt: skip
def test_losses_go_by_pytorchs_names(given: str, name: str) -> None:
    goal = "lungs" if name in LOSSES_OF["category"] else "retinopathy"
    assert tiny_task(goal, train__loss=given).train.loss == name

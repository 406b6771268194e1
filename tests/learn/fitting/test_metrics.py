import numpy as np
import pytest
from conftest import tiny_task
from fastai.learner import Learner
from sklearn import metrics

from fastmed.data.items import read_items
from fastmed.learn.fitting.metrics import METRICS, higher_is_better, make_metrics
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.learner import learner

TRUE = np.array([0, 0, 1, 2, 2, 2])
SCORES = np.array(
    [
        [0.8, 0.1, 0.1, 0.0],
        [0.3, 0.5, 0.2, 0.0],
        [0.2, 0.6, 0.2, 0.0],
        [0.1, 0.2, 0.7, 0.0],
        [0.5, 0.3, 0.2, 0.0],
        [0.2, 0.1, 0.4, 0.3],
    ]
)
# Decided: 0 1 1 2 0 2; class 3 neither occurs nor is decided.
CATEGORY = {
    "accuracy": 4 / 6,
    "balanced_accuracy": (1 / 2 + 1 + 2 / 3) / 3,
    "macro_f1": (2 / 4 + 2 / 3 + 4 / 5) / 3,
    "auroc": (7 / 8 + 5 / 5 + 8 / 9) / 3,
}


@pytest.mark.parametrize("name", CATEGORY)
def test_category_metrics_by_hand_with_a_class_that_is_absent(name: str) -> None:
    assert METRICS[name].compute(TRUE, SCORES, 4) == pytest.approx(CATEGORY[name])


VALUES = np.array([[-0.7], [0.5], [1.4], [2.2], [0.9], [6.0]])
GRADES = np.array([0.0, 0.0, 1.0, 2.0, 2.0, 2.0])  # decided: 0 1 1 2 1 3 of four grades


def test_grade_metrics_by_hand_round_half_up_and_stay_on_the_scale() -> None:
    assert METRICS["accuracy"].compute(GRADES, VALUES, 4) == pytest.approx(3 / 6)
    assert METRICS["mae"].compute(GRADES, VALUES, 4) == pytest.approx(
        (0.7 + 0.5 + 0.4 + 0.2 + 1.1 + 4) / 6
    )
    decided = [0, 1, 1, 2, 1, 3]
    distance = np.subtract.outer(np.arange(4), np.arange(4)) ** 2
    chance = np.outer(np.bincount(GRADES.astype(int), minlength=4), np.bincount(decided)) / 36
    observed = sum((t - d) ** 2 for t, d in zip(GRADES, decided, strict=True)) / 6
    expected = 1 - observed / (chance * distance).sum()
    assert METRICS["kappa"].compute(GRADES, VALUES, 4) == pytest.approx(expected)


def test_kappa_counts_the_distance_over_a_grade_that_is_absent() -> None:
    """Grades 0 0 1 3 3 are taken for 0 1 1 3 1; grade 2 does not occur, yet 1 and 3 are two off."""
    values = np.array([[0.0], [1.0], [1.0], [3.0], [1.0]])
    observed = (0 + 1 + 0 + 0 + 4) / 5
    chance = (2 * (0 + 3 + 9) + 1 * (1 + 0 + 4) + 2 * (9 + 3 * 4 + 0)) / 25
    kappa = METRICS["kappa"].compute(np.array([0.0, 0, 1, 3, 3]), values, 4)
    assert kappa == pytest.approx(1 - observed / chance)


def test_auroc_of_two_classes_is_that_of_the_last_and_nan_without_cases() -> None:
    scores = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]])
    assert METRICS["auroc"].compute(np.array([0, 0, 1, 1]), scores, 2) == pytest.approx(3 / 4)
    assert np.isnan(METRICS["auroc"].compute(np.zeros(4), scores, 2))


def test_losses_and_errors_are_better_small() -> None:
    assert higher_is_better("kappa")
    assert not higher_is_better("mae")
    assert not higher_is_better("valid_loss")


def after_an_epoch(name: str, phantoms: dict) -> tuple[Learner, dict[str, float]]:
    rounded = {"predict__cut_points": "round"} if name == "retinopathy" else {}
    task = tiny_task(name, **rounded)
    items = read_items(task, phantoms[name])
    learn = learner(task, dataloaders(task, items, device="cpu", workers=0))
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, 1e-3)
    names = learn.recorder.metric_names[3:-1]
    return learn, dict(zip(names, learn.recorder.values[-1][2:], strict=True))


def test_category_metrics_after_an_epoch_are_scikit_learns(phantoms: dict) -> None:
    learn, shown = after_an_epoch("pneumonia", phantoms)
    with learn.no_bar():
        scores, targets = (tensor.numpy() for tensor in learn.get_preds())
    decided = scores.argmax(1)
    assert shown == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(targets, decided),
            "balanced_accuracy": metrics.balanced_accuracy_score(targets, decided),
            "macro_f1": metrics.f1_score(targets, decided, average="macro"),
            "auroc": metrics.roc_auc_score(targets, scores, multi_class="ovr"),
        }
    )


def test_grade_metrics_after_an_epoch_are_scikit_learns(phantoms: dict) -> None:
    learn, shown = after_an_epoch("retinopathy", phantoms)
    with learn.no_bar():
        values, targets = (tensor.numpy().ravel() for tensor in learn.get_preds())
    decided = np.clip(np.rint(values), 0, 4).astype(int)
    labels = sorted({*targets, *decided})
    assert shown == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(targets, decided),
            "balanced_accuracy": metrics.recall_score(
                targets, decided, average="macro", labels=np.unique(targets), zero_division=0
            ),
            "macro_f1": metrics.f1_score(
                targets, decided, average="macro", labels=labels, zero_division=0
            ),
            "kappa": metrics.cohen_kappa_score(
                targets, decided, labels=range(5), weights="quadratic"
            ),
            "mae": metrics.mean_absolute_error(targets, values),
        }
    )


def test_a_task_shows_the_metrics_of_its_goal() -> None:
    names = {metric.name for metric in make_metrics(tiny_task("lungs"))}
    assert names == {"accuracy", "balanced_accuracy", "macro_f1", "auroc"}
    names = {metric.name for metric in make_metrics(tiny_task("retinopathy"))}
    assert names == {"accuracy", "balanced_accuracy", "macro_f1", "kappa", "mae"}


@pytest.mark.parametrize("name", ["kappa", "macro_f1", "accuracy"])
def test_a_shifted_scale_of_values_is_forgiven_where_cut_points_are_fitted(name: str) -> None:
    generator = np.random.default_rng(0)
    grades = generator.integers(0, 5, 200)
    values = (grades + generator.normal(0, 0.4, 200))[:, None]
    compute = METRICS[name].compute
    fitted = compute(grades, values, 5, "kappa")
    assert compute(grades, 0.3 * values - 7, 5, "kappa") == pytest.approx(fitted)
    assert compute(grades, 0.3 * values - 7, 5, "round") < 0.5 < fitted

"""What the figures of probabilities and decisions show, read from the figures themselves."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.calibration import calibration_curve

from fastmed.evaluation import evaluate
from fastmed.interpretation import interpret
from fastmed.results.calibration.fitted import validation_of
from fastmed.results.calibration.probabilities import Calibration
from fastmed.results.deciding.abstention import risk_curve
from fastmed.results.deciding.operating_points import Rule, fit_point
from fastmed.results.deciding.story import DecisionStory, undone
from fastmed.results.figures.decisions import (
    decision_curve_figure,
    operating_points_figure,
    reliability_figure,
    risk_coverage_figure,
)
from fastmed.run import Run

CPU = {"device": "cpu", "workers": 0}


@pytest.fixture
def seen() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    scores = softmax(rng.normal(0, 1.5, (300, 3)), axis=1)
    true = (rng.random((300, 1)) > scores.cumsum(axis=1)).sum(axis=1)
    return true[:, None] == np.arange(3), scores


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_reliability_is_that_of_scikit_learn(seen) -> None:
    positive, scores = seen
    figure = reliability_figure(["a", "b", "c"], positive, scores, softmax(2 * np.log(scores), 1))
    axes = figure.axes[1]
    share, mean = calibration_curve(positive[:, 1], scores[:, 1], n_bins=15, strategy="quantile")
    drawn = lines(axes)["after"]
    np.testing.assert_allclose(drawn.get_xdata(), mean, atol=0.02)
    np.testing.assert_allclose(drawn.get_ydata(), share, atol=0.11)
    assert "before" in lines(axes)
    bars = [bar.get_height() for bar in axes.patches]
    assert max(bars) == pytest.approx(0.11)
    assert "ECE before" in axes.get_title(loc="left")
    one = reliability_figure(["a"], positive[:, :1], scores[:, :1])
    assert "before" not in lines(one.axes[0])


def test_net_benefit_of_a_perfect_network_is_the_prevalence(seen) -> None:
    positive, _ = seen
    figure = decision_curve_figure(["a"], positive[:, :1], positive[:, :1].astype(float))
    drawn = lines(figure.axes[0])
    np.testing.assert_allclose(drawn["network"].get_ydata(), positive[:, 0].mean())
    everyone = drawn["all treated"]
    at, share = everyone.get_xdata(), positive[:, 0].mean()
    np.testing.assert_allclose(everyone.get_ydata(), share - (1 - share) * at / (1 - at))


def test_the_curve_of_mistakes_ends_at_all_of_them(seen) -> None:
    positive, scores = seen
    wrong = ~positive[np.arange(300), scores.argmax(axis=1)]
    figure = risk_coverage_figure(risk_curve(scores.max(axis=1), wrong), 300)
    drawn = lines(figure.axes[0])
    for label in ("of the images that are decided", "of all, abstained ones counted as mistakes"):
        assert drawn[label].get_ydata()[-1] == pytest.approx(wrong.mean())


def test_points_lie_on_the_roc_curve(seen) -> None:
    positive, scores = seen
    point = fit_point(Rule("a", "youden"), scores[:, 0], positive[:, 0])
    figure = operating_points_figure([point], positive[:, :1], scores[:, :1])
    drawn = lines(figure.axes[0])
    sign = drawn[f"youden: from {point.threshold:.3f}"]
    assert sign.get_xydata().tolist() == [[1 - point.specificity, point.sensitivity]]


def test_calibration_is_undone(seen) -> None:
    _, scores = seen
    calibration = Calibration(1.8, np.array([1.0, 2.0, 0.5]))
    np.testing.assert_allclose(undone(calibration, calibration.probabilities(scores)), scores)


@pytest.mark.parametrize("name", ["cardiomegaly", "retinopathy"])
def test_a_run_draws_its_figures(name: str, own_run) -> None:
    run = own_run(name)
    story = interpret(run).decisions
    assert set(story.figures()) == {
        "reliability", "decision_curve", "risk_coverage", "operating_points",
    }  # fmt: skip
    shown = len(run.task.classes) if len(run.task.classes) > 2 else 1
    figure = story.reliability()
    assert sum(axes.get_visible() for axes in figure.axes) == shown
    assert ("before" in lines(figure.axes[0])) == (name == "cardiomegaly")
    for make in story.figures().values():
        assert make().axes


def test_uncalibrated_scores_have_no_before_and_no_points(own_run) -> None:
    run = own_run("cardiomegaly")
    table, scores = evaluate(run, calibrate=False, **CPU)
    assert scores["calibrated"] is False
    assert "operating_points" not in scores
    story = DecisionStory(run, "test", table)
    assert "operating_points" not in story.figures()
    assert "before" not in lines(story.reliability().axes[0])


def test_the_network_s_own_probabilities_of_the_validation_part_are_shown(own_run) -> None:
    run: Run = own_run("lungs")
    story = DecisionStory(run, "valid", run.predictions("valid"))
    np.testing.assert_array_equal(story._before(), validation_of(run).outputs)

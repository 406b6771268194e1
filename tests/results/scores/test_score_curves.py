"""ROC and precision-recall curves against scikit-learn, and what their bands promise."""

import numpy as np
import pandas as pd
import pytest
from made_predictions import predictions
from scipy.stats import norm
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_curve

from fastmed.results.intervals.wilson import wilson
from fastmed.results.scores.curves import (
    GRID,
    STEPS,
    Counts,
    Steps,
    precision_recall_curves,
    precisions,
    roc_curves,
    sensitivities,
)
from fastmed.results.scores.sample import Dichotomy, sample_of

THREE = ["healthy", "COVID", "other"]


def sample(table: pd.DataFrame, classes: list[str] = THREE):
    return sample_of(table, classes, "category")


def ties(table: pd.DataFrame) -> pd.DataFrame:
    columns = [name for name in table.columns if name.startswith("score_")]
    return table.assign(**{name: table[name].round(1) for name in columns})


@pytest.mark.parametrize("change", [lambda table: table, ties], ids=["distinct", "ties"])
def test_curves_are_scikit_learns(change) -> None:
    own = sample(change(predictions(THREE, 150)))
    curves = zip(roc_curves(own, range(3)), precision_recall_curves(own, range(3)), strict=True)
    for place, (roc, recall) in enumerate(curves):
        positive, score = own.true == place, own.scores[:, place]
        alarms, found, _ = roc_curve(positive, score, drop_intermediate=False)
        np.testing.assert_allclose(roc.across, alarms)
        np.testing.assert_allclose(roc.up, found)
        steps = (np.diff(recall.across) * recall.up[1:]).sum()
        assert steps == pytest.approx(average_precision_score(positive, score))


def test_resampled_curves_are_those_of_repeated_rows() -> None:
    """The oracle draws whole rows and asks scikit-learn."""
    own = sample(ties(predictions(THREE, 60, images=2)))
    of = own.of_class(1)
    weights = np.random.default_rng(1).integers(0, 4, (3, own.patient_count))
    counts = Steps(of, own.patients).drawn(weights.T.astype(np.int32))
    at_alarms, at_recall = sensitivities(counts), precisions(counts)
    for row, drawn in enumerate(weights):
        rows = np.repeat(np.arange(own.size), drawn[own.patients])
        positive, score = of.positive[rows], of.score[rows]
        alarms, found, _ = roc_curve(positive, score, drop_intermediate=False)
        highest = [found[alarms <= place + 1e-9][-1] for place in (0, 1)]
        assert at_alarms[row][[0, -1]].tolist() == pytest.approx(highest)
        inside = np.interp(GRID[1:-1] + 1e-9, alarms, found)
        np.testing.assert_allclose(at_alarms[row][1:-1], inside, atol=1e-6)
        precision, recall, _ = precision_recall_curve(positive, score)
        first = [precision[recall >= place - 1e-9][-1] for place in GRID[1:]]
        np.testing.assert_allclose(at_recall[row][1:], first)


def test_many_images_are_known_by_few_steps() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(20_000) < 0.3
    of = Dichotomy(positive, positive, rng.normal(size=20_000) + positive)
    steps = Steps(of, np.arange(20_000))
    counts = steps.drawn(np.ones((20_000, 1), dtype=np.int32))
    assert counts.cases.shape[1] <= 2 * STEPS + 2
    np.testing.assert_allclose(sensitivities(counts), sensitivities(steps.exact), atol=0.003)
    np.testing.assert_allclose(precisions(counts)[:, 5:], precisions(steps.exact)[:, 5:], atol=0.02)


def test_bands_hold_their_curve_and_narrow_with_patients() -> None:
    widths = []
    for patients in (60, 600):
        own = sample(predictions(THREE, patients))
        for curves in (roc_curves(own, [0]), precision_recall_curves(own, [0])):
            band = curves[0].band
            assert (band.low <= band.high).all()
            assert band.low.min() >= 0
            assert band.high.max() <= 1
            widths.append((band.high - band.low).mean())
        (roc,) = roc_curves(own, [0])
        found = sensitivities(Counts(*(one[None] for one in _exact(own, 0))))[0]
        assert ((roc.band.low <= found) & (found <= roc.band.high)).all()
    assert widths[2] < 0.5 * widths[0]
    assert widths[3] < 0.6 * widths[1]


def _exact(own, place: int) -> tuple[np.ndarray, np.ndarray]:
    counts = Steps(own.of_class(place), own.patients).exact
    return counts.cases[0], counts.others[0]


def test_images_of_one_patient_are_no_more_evidence() -> None:
    once = predictions(THREE, 80)
    often = pd.concat([once.assign(item=once["item"] + str(copy)) for copy in range(5)])
    for find in (roc_curves, precision_recall_curves):
        (alone,), (repeated,) = find(sample(once), [1]), find(sample(often), [1])
        np.testing.assert_allclose(alone.band.low, repeated.band.low, atol=1e-6)
        np.testing.assert_allclose(alone.band.high, repeated.band.high, atol=1e-6)


def test_a_perfect_curve_still_has_a_band() -> None:
    table = predictions(["false", "true"], 40)
    table["score_true"] = (table["target"] == "true").astype(float)
    table["score_false"] = 1 - table["score_true"]
    own = sample(table, ["false", "true"])
    (roc,), (recall,) = roc_curves(own, [1]), precision_recall_curves(own, [1])
    cases = int(own.of_class(1).positive.sum())
    assert roc.band.low[:-1] == pytest.approx(wilson(cases, cases)[0])
    assert recall.band.low == pytest.approx(wilson(cases, cases)[0])
    assert auc(roc.across, roc.up) == 1


def test_the_same_predictions_give_the_same_band() -> None:
    own = sample(predictions(THREE, 50))
    first, second = roc_curves(own, range(3)), roc_curves(own, range(3))
    assert all((a.band.low == b.band.low).all() for a, b in zip(first, second, strict=True))


def test_classes_without_cases_or_others_have_no_curve() -> None:
    table = predictions(THREE, 30)
    own = sample(table[table["target"] != "COVID"])
    assert [curve is None for curve in roc_curves(own, range(3))] == [False, True, False]
    assert [curve is None for curve in precision_recall_curves(own, range(3))][1]
    only = sample(table[table["target"] == "COVID"])
    assert roc_curves(only, range(3)) == [None] * 3


@pytest.mark.slow
@pytest.mark.parametrize(("images", "share", "gain"), [(60, 0.3, 1.5), (200, 0.5, 2.5)])
def test_bands_hold_the_truth(images: int, share: float, gain: float) -> None:
    """Of two normal scores, whose true curves are known, at each place about 95 of 100 times."""
    rng, rounds = np.random.default_rng(0), 150
    alarms, recall = np.array([5, 10, 20, 50]), np.array([20, 40, 60, 80])
    sensitivity = norm.cdf(gain + norm.ppf(GRID[alarms]))
    false = norm.sf(gain - norm.ppf(GRID[recall]))
    precision = share * GRID[recall] / (share * GRID[recall] + (1 - share) * false)
    held = np.zeros((2, 4))
    for _ in range(rounds):
        positive = rng.random(images) < share
        score = norm.cdf(rng.normal(size=images) + gain * positive)
        table = pd.DataFrame({"target": np.where(positive, "b", "a"), "predicted": "a"})
        table["score_a"], table["score_b"] = 1 - score, score
        own = sample(table, ["a", "b"])
        (roc,), (up,) = roc_curves(own, [1]), precision_recall_curves(own, [1])
        for row, (band, truth, at) in enumerate(
            [(roc.band, sensitivity, alarms), (up.band, precision, recall)]
        ):
            held[row] += (band.low[at] <= truth) & (truth <= band.high[at])
    assert (held / rounds > 0.9).all()

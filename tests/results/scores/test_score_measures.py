"""Scores of weighted patients are those of a table in which each image stands so many times."""

import numpy as np
import pytest
from made_predictions import predictions
from sklearn import metrics

from fastmed.results.scores import ScoreOptions, score
from fastmed.results.scores.calibration import calibration_intercept, calibration_slope
from fastmed.results.scores.measures import Measures
from fastmed.results.scores.names import GIVEN_OUTCOMES
from fastmed.results.scores.ranking import Ranking, packed_weights
from fastmed.results.scores.sample import sample_of

CLASSES = ["none", "mild", "severe"]
OPTIONS = ScoreOptions(
    referable="mild",
    prevalence={"mild": 0.1, "referable": 0.2},
    threshold={"severe": 0.2, "referable": 0.4},
    costs=((0, 1, 2), (3, 0, 1), (9, 4, 0)),
    resamples=0,
)
ABOUT = ("calibration_slope", "calibration_intercept", "ece")  # not exactly refitted


@pytest.mark.parametrize("images", [1, 3])
def test_weights_repeat_images(images: int) -> None:
    table = predictions(CLASSES, 40, images)
    table["score_none"] = table["score_none"].round(1)  # ties
    measures = Measures(sample_of(table, CLASSES, "grade"), OPTIONS)
    weights = np.random.default_rng(1).poisson(1, (5, 40)).astype(np.uint16)
    found = measures.of(weights)
    keys = np.unique(table["group"])
    for row, own in enumerate(weights):
        times = table["group"].map(dict(zip(keys, own, strict=True)))
        repeated = table.loc[table.index.repeat(times)]
        single = repeated.assign(group="", item=np.arange(len(repeated)).astype(str))
        expected = score(single, CLASSES, "grade", OPTIONS)
        for (*where, name), values in found.items():
            place = expected
            for step in where:
                place = place[step]
            if name not in ABOUT:
                wanted = np.nan if place[name] is None else place[name]
                value = values[row] if np.isfinite(values[row]) else np.nan
                assert value == pytest.approx(wanted, nan_ok=True), (where, name)


def test_weighted_ranking_is_scikit_learns() -> None:
    table = predictions(CLASSES, 60)
    sample = sample_of(table, CLASSES, "category")
    weights = np.random.default_rng(2).poisson(1, (4, 60)).astype(np.uint16)
    found = Measures(sample, ScoreOptions()).of(weights)
    for row, own in enumerate(weights):
        truth, chance = sample.true == 2, sample.scores[:, 2]
        each = own[sample.patients]
        area = metrics.roc_auc_score(truth, chance, sample_weight=each)
        precision = metrics.average_precision_score(truth, chance, sample_weight=each)
        assert found["per_class", "severe", "auroc"][row] == pytest.approx(area)
        assert found["per_class", "severe", "average_precision"][row] == pytest.approx(precision)


def test_one_step_is_near_the_whole_fit() -> None:
    table = predictions(CLASSES, 300, gain=1.0)
    sample = sample_of(table, CLASSES, "category")
    weights = np.random.default_rng(3).poisson(1, (20, 300)).astype(np.uint16)
    found = Measures(sample, ScoreOptions()).of(weights)
    of, each = sample.of_class(1), weights[:, sample.patients]
    for name, fit in (
        ("calibration_slope", calibration_slope),
        ("calibration_intercept", calibration_intercept),
    ):
        steps = found["per_class", "mild", name]
        fits = [fit(np.repeat(of.positive, own), np.repeat(of.score, own)) for own in each]
        assert np.median(np.abs(steps - fits)) < 0.1 * np.std(fits)
        assert np.std(steps) == pytest.approx(np.std(fits), rel=0.1)


def test_wanted_scores_alone_are_the_same() -> None:
    sample = sample_of(predictions(CLASSES, 50, 2), CLASSES, "grade")
    measures = Measures(sample, OPTIONS)
    weights = np.random.default_rng(5).poisson(1, (11, 50))
    every = measures.of(weights)
    some = measures.of(weights, GIVEN_OUTCOMES)
    assert set(some) == {address for address in every if address[-1] in GIVEN_OUTCOMES}
    assert all((some[address] == every[address]).all() for address in some)


@pytest.mark.parametrize("ties", [False, True])
def test_many_images_are_ranked_in_parts_as_a_whole(
    ties: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = predictions(CLASSES, 60, 2)
    if ties:
        table["score_mild"] = table["score_mild"].round(1)
    sample = sample_of(table, CLASSES, "category")
    ranking = Ranking(sample.of_class(1), sample.patients)
    packed = packed_weights(np.random.default_rng(6).poisson(1, (21, 60)))
    whole = ranking.areas(packed), ranking.precisions(packed)
    monkeypatch.setattr("fastmed.results.scores.ranking._CELLS", 300)
    assert ranking.areas(packed) == pytest.approx(whole[0], nan_ok=True)
    assert ranking.precisions(packed) == pytest.approx(whole[1], nan_ok=True)


def test_sums_over_slabs_of_patients_are_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    measures = Measures(sample_of(predictions(CLASSES, 50), CLASSES, "grade"), OPTIONS)
    weights = np.random.default_rng(7).poisson(1, (4, 50))
    whole = measures.of(weights)
    monkeypatch.setattr("fastmed.results.scores.measures._SLAB", 7)
    for address, values in measures.of(weights).items():
        assert values == pytest.approx(whole[address], rel=1e-10, nan_ok=True), address

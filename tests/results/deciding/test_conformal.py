"""Sets of classes: the promised coverage by simulation, and by hand."""

import numpy as np
import pytest
from scipy.special import softmax

from fastmed.errors import DataError
from fastmed.results.deciding.conformal import class_sets, fit_levels, set_names


def drawn(rng, n, share=0.08):
    """A rare class that the network hardly sees, as it is with few images of it."""
    true = (rng.random(n) < share).astype(int)
    logits = np.stack([rng.normal(2.5 - 1.5 * true, 1), rng.normal(0.5 * true, 1)], axis=1)
    return softmax(logits, axis=1), true


def test_marginal_coverage_hides_the_rare_class_and_class_wise_coverage_does_not():
    rng, own, joint = np.random.default_rng(0), [], []
    for _ in range(150):
        (scores, true), (new, target) = drawn(rng, 600), drawn(rng, 600)
        rows = np.arange(600)
        inside = class_sets(new, fit_levels(scores, true, 0.9))[rows, target]
        one_level = np.quantile(scores[rows, true], 0.1 * 601 / 600, method="lower")
        marginal = new[rows, target] >= one_level
        own.append([inside[target == place].mean() for place in (0, 1)])
        joint.append([marginal.mean(), marginal[target == 1].mean()])
    common, rare = np.mean(own, axis=0)
    overall, hidden = np.mean(joint, axis=0)
    assert 0.9 <= common < 0.91
    assert 0.9 <= rare < 0.93
    assert 0.895 <= overall < 0.91
    assert hidden < 0.4


def test_levels_by_hand():
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.5, 0.5], [0.3, 0.7], [0.6, 0.4]])
    true = np.array([0, 0, 0, 1, 1])
    # Of 3 + 1 images of the first class one may be missed: the lowest of 0.5, 0.8, 0.9.
    np.testing.assert_allclose(fit_levels(scores, true, 0.75), [0.5, 0.0])
    # Of 2 + 1 images of the second class none may be missed at 0.75, one at 2/3.
    np.testing.assert_allclose(fit_levels(scores, true, 2 / 3), [0.5, 0.4])


def test_nine_images_are_enough_for_nine_tenths_and_eight_are_not():
    scores, true = np.linspace(0.1, 0.9, 9)[:, None], np.zeros(9, dtype=int)
    assert fit_levels(scores, true, 0.9) == pytest.approx(0.1)
    assert fit_levels(scores[1:], true[1:], 0.9) == 0


def test_sets_are_never_empty_and_those_of_grades_have_no_holes():
    levels = np.array([0.5, 0.5, 0.2, 0.3])
    scores = np.array([[0.4, 0.35, 0.15, 0.1], [0.5, 0.05, 0.1, 0.35], [0.1, 0.1, 0.4, 0.4]])
    plain = class_sets(scores, levels)
    assert plain.tolist() == [
        [True, False, False, False], [True, False, False, True], [False, False, True, True],
    ]  # fmt: skip
    assert class_sets(scores, levels, ordered=True)[1].all()
    names = ["a", "b", "c", "d"]
    assert set_names(plain, names) == ["a", "a | d", "c | d"]


@pytest.mark.parametrize("coverage", [0, 1, 90])
def test_coverage_is_a_share(coverage):
    with pytest.raises(DataError, match="between 0 and 1"):
        fit_levels(np.ones((1, 1)), np.zeros(1), coverage)

"""Abstention against a closed form, loops and simulation."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from fastmed.errors import DataError
from fastmed.results.deciding.abstention import (
    Abstention,
    abstention_scores,
    augrc,
    fit_certainty,
    read_abstention,
    risk_curve,
)


def made(n, seed):
    rng = np.random.default_rng(seed)
    certainty = rng.random(n).round(2)
    return certainty, rng.random(n) > certainty


@pytest.mark.parametrize("seed", range(4))
def test_augrc_has_a_closed_form(seed):
    """(1 - AUROC of finding mistakes) * acc * (1 - acc) + (1 - acc)^2 / 2, with ties."""
    certainty, wrong = made(97, seed)
    accuracy = 1 - wrong.mean()
    finding = roc_auc_score(~wrong, certainty)
    expected = (1 - finding) * accuracy * (1 - accuracy) + (1 - accuracy) ** 2 / 2
    assert augrc(risk_curve(certainty, wrong)) == pytest.approx(expected, abs=1e-12)


def test_curve_by_hand():
    certainty = np.array([0.9, 0.7, 0.7, 0.2])
    curve = risk_curve(certainty, np.array([False, True, False, True]))
    np.testing.assert_allclose(curve.coverage, [0, 0.25, 0.75, 1])
    np.testing.assert_allclose(curve.mistakes, [0, 0, 0.25, 0.5])
    np.testing.assert_allclose(curve.risk, [np.nan, 0, 1 / 3, 0.5])
    assert augrc(curve) == pytest.approx(0.25 * 0 + 0.5 * 0.125 + 0.25 * 0.375)


def test_a_share_is_that_of_the_validation_images():
    certainty = np.linspace(0.5, 1, 101)
    level = fit_certainty(Abstention("share", 0.1), certainty, np.zeros(101, dtype=bool))
    assert (certainty < level).sum() == 10


def test_a_bound_on_mistakes_holds_for_the_upper_bound():
    certainty, wrong = made(500, 3)
    level = fit_certainty(Abstention("error", 0.15), certainty, wrong)

    def upper(low):
        rows = certainty >= low
        test = binomtest(int(wrong[rows].sum()), int(rows.sum()), alternative="less")
        return test.proportion_ci(0.95, "exact").high

    assert upper(level) <= 0.15
    assert all(upper(low) > 0.15 for low in np.unique(certainty) if low < level)
    with pytest.raises(DataError, match=r"keeps to 0.001 mistakes: the least .* bound is"):
        fit_certainty(Abstention("error", 0.001), certainty, wrong)


def test_abstained_images_count_as_wrong_too():
    wrong = np.array([True] * 8 + [False] * 12)
    certainty = np.concatenate([np.linspace(0.1, 0.2, 4), np.linspace(0.9, 1, 4), np.full(12, 0.5)])
    rows = abstention_scores(certainty, wrong)["shares"]
    assert [row["abstained"] for row in rows] == [1, 2, 4, 6]
    assert rows[2]["risk"] == 4 / 16
    assert rows[2]["risk_with_abstained"] == 8 / 20


def test_wishes_are_read():
    assert read_abstention(0.1) == Abstention("share", 0.1)
    assert read_abstention("error=0.05") == Abstention("error", 0.05)
    for text in ("1.5", "0", "risk=0.1", "error=5%"):
        with pytest.raises(DataError, match="doesn't say when to abstain"):
            read_abstention(text)

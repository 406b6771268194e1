import numpy as np
import pytest
from scipy.stats import binom

from fastmed.results.comparison.testing import bootstrap_p, holm, mcnemar


def test_mcnemar_counted_by_hand() -> None:
    # 9 images are right in the second alone, 2 in the first alone: twice P(X <= 2) of 11 coins.
    first = np.repeat([False, True, True, False], [9, 2, 20, 5])
    second = np.repeat([True, False, True, False], [9, 2, 20, 5])
    assert mcnemar(first, second) == pytest.approx(2 * binom.cdf(2, 11, 0.5))
    assert mcnemar(first, second) == mcnemar(second, first)
    assert mcnemar(first, first) is None


def test_holm_as_in_a_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, None, 0.6]) == [1.0, None, 1.0]
    assert holm([0.02]) == [0.02]


def test_bootstrap_p_agrees_with_the_interval() -> None:
    assert bootstrap_p(np.linspace(-1, 39, 2000)) == pytest.approx(0.05, abs=0.003)
    assert bootstrap_p(np.linspace(-1, 1, 2000)) == pytest.approx(1, abs=0.01)
    assert bootstrap_p(np.full(1999, 0.2)) == pytest.approx(2 / 2000)
    assert bootstrap_p(np.zeros(100)) is None

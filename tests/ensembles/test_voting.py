from collections import Counter

import numpy as np
import pytest

from fastmed.ensembles.voting import vote


def test_most_votes_win_and_shares_are_told() -> None:
    found = vote(np.array([[0, 0, 1], [2, 1, 1], [2, 2, 2]]), 3)
    assert found.decided.tolist() == [0, 1, 2]
    assert found.shares[0] == pytest.approx([2 / 3, 1 / 3, 0])
    assert (found.by_scores, found.by_order) == (0, 0)


def test_a_tie_goes_to_the_higher_mean_probability() -> None:
    predicted = np.array([[0, 1], [0, 1]])
    scores = np.array([[0.2, 0.3, 0.5], [0.4, 0.3, 0.3]])
    found = vote(predicted, 3, scores)
    assert found.decided.tolist() == [1, 0]  # class 2 has the highest of the first, but no vote
    assert (found.by_scores, found.by_order) == (2, 0)


def test_a_tie_without_probabilities_goes_to_the_first_member_among_the_tied() -> None:
    predicted = np.array([[2, 1, 0, 1, 0], [1, 0, -1, -1, -1]])
    found = vote(predicted, 3)
    assert found.decided.tolist() == [1, 1]
    assert found.by_order == 2


def test_equal_probabilities_leave_the_tie_to_the_order() -> None:
    found = vote(np.array([[1, 0]]), 2, np.array([[0.5, 0.5]]))
    assert found.decided.tolist() == [1]
    assert (found.by_scores, found.by_order) == (0, 1)


def test_a_row_that_someone_has_no_probabilities_for_goes_by_order() -> None:
    scores = np.array([[np.nan, np.nan], [0.2, 0.8]])
    found = vote(np.array([[0, 1], [0, 1]]), 2, scores)
    assert found.decided.tolist() == [0, 1]
    assert (found.by_scores, found.by_order) == (1, 1)


def test_votes_are_those_that_a_count_gives() -> None:
    rng = np.random.default_rng(0)
    predicted = rng.integers(-1, 4, (300, 5))
    predicted[:, 0] = np.maximum(predicted[:, 0], 0)
    found = vote(predicted, 4)
    for row, decided in zip(predicted, found.decided, strict=True):
        counts = Counter(row[row >= 0].tolist())
        best = [one for one in counts if counts[one] == max(counts.values())]
        assert decided == next(one for one in row if one in best)

"""Rounds are timed after a warm-up, by a clock that the test moves."""

import pytest
import torch

from fastmed.benching import clock
from fastmed.benching.clock import ROUNDS, pace
from fastmed.benching.pace import Pace

CPU = torch.device("cpu")


class Hand:
    """A clock that goes on by what each piece of work takes."""

    def __init__(self, *takes: float) -> None:
        self.now, self.takes, self.done = 100.0, list(takes), 0

    def perf_counter(self) -> float:
        return self.now

    def work(self) -> int:
        self.now += self.takes[min(self.done, len(self.takes) - 1)]
        self.done += 1
        return 6


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Hand:
    made = Hand(*request.param)
    monkeypatch.setattr(clock, "time", made)
    return made


@pytest.mark.parametrize("hand", [(7.0, 5.0, 2.0)], indirect=True)
def test_slow_first_pieces_are_not_counted(hand: Hand) -> None:
    assert pace(hand.work, 20.0, CPU) == Pace((3.0,) * ROUNDS)
    assert hand.done == 2 + ROUNDS * 2  # a round of 4 seconds has two pieces


@pytest.mark.parametrize("hand", [(50.0,)], indirect=True)
def test_a_piece_longer_than_all_is_done_twice(hand: Hand) -> None:
    assert pace(hand.work, 20.0, CPU) == Pace((6 / 50,))
    assert hand.done == 2


@pytest.mark.parametrize("hand", [(0.01,)], indirect=True)
def test_warm_up_takes_a_quarter_more(hand: Hand) -> None:
    before = hand.now
    assert pace(hand.work, 20.0, CPU).usual == pytest.approx(600)
    assert hand.now - before == pytest.approx(25, rel=0.01)


def test_usual_pace_is_the_median_of_all_rounds() -> None:
    assert Pace((9.0, 1.0, 2.0)).usual == 2.0
    assert Pace.joined([Pace((9.0, 1.0)), Pace((2.0,))]) == Pace((9.0, 1.0, 2.0))

"""Deletion and insertion tell good maps from bad ones, and are counted as in the paper."""

import numpy as np
import pytest
import torch
from squares import SIZE, SQUARE, by_hand, images

from fastmed.learn.heatmaps.faithfulness import STEPS, faithfulness
from fastmed.learn.heatmaps.maps import Batch


def batches(*sizes: int) -> list[Batch]:
    given = images(sum(sizes)).split(sizes)
    return [Batch(some, (), torch.zeros(len(some), dtype=torch.int64)) for some in given]


def square() -> np.ndarray:
    """Return the best map: hot on the square, and cold beside it."""
    heat = np.zeros((SIZE, SIZE), np.float32)
    heat[SQUARE] = 1
    return heat


def test_the_right_map_is_better_than_chance_and_the_wrong_one_is_worse() -> None:
    maps = np.stack([square(), square(), 1 - square()])
    found = faithfulness(by_hand(), batches(2, 1), maps)
    better = found["deletion"] < found["deletion_by_chance"]
    assert better.tolist() == [True, True, False]
    assert (found["insertion"] > found["insertion_by_chance"]).tolist() == [True, True, False]


def test_deletion_is_the_area_below_the_curve() -> None:
    """Counted by hand: a twentieth of the image is 204.8 pixels, and the square has 256."""
    aim, (batch,) = by_hand(), batches(1)
    maps = square()[None] + np.arange(SIZE * SIZE)[::-1].reshape(1, SIZE, SIZE) * 1e-7
    order = np.argsort(-maps[0].ravel(), kind="stable")
    answers = []
    for step in range(STEPS + 1):
        shown = batch.images.clone().reshape(1, 3, -1)
        gone = int(np.ceil(SIZE * SIZE * step / STEPS))
        shown[:, :, order[:gone]] = 0
        answers.append(aim(shown.reshape(1, 3, SIZE, SIZE)).softmax(1)[0, 0].item())
    expected = sum(answers) / STEPS - (answers[0] + answers[-1]) / 2 / STEPS
    found = faithfulness(aim, [batch], maps.astype(np.float32))
    assert found["deletion"] == pytest.approx([expected], abs=1e-5)


def test_chance_repeats() -> None:
    maps = np.stack([square()])
    first, second = (faithfulness(by_hand(), batches(1), maps) for _ in range(2))
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_grades_answer_with_their_value() -> None:
    aim = by_hand(goal="grade", classes=["a", "b", "c"], train__loss="mse", train__select="kappa")
    found = faithfulness(aim, batches(1), np.stack([square()]))
    assert found["insertion"][0] > found["insertion_by_chance"][0] > 0

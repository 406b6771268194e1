"""A majority vote, and what becomes of ties."""

from typing import NamedTuple

import numpy as np


class Vote(NamedTuple):
    """What a vote decides.

    Attributes:
        decided: positions of classes, (n,).
        shares: of the votes for each class, (n, K).
        by_scores: how many ties the mean probability decided.
        by_order: how many ties the first member decided that voted for one of the tied classes.
    """

    decided: np.ndarray
    shares: np.ndarray
    by_scores: int
    by_order: int


def vote(predicted: np.ndarray, classes: int, scores: np.ndarray | None = None) -> Vote:
    """Return the class that most members predict.

    Of classes with equally many votes the one with the highest mean probability is taken; where
    there are no probabilities, or two are equal, the one that the first member voted for whose
    vote is among them.

    Args:
        predicted: positions, (n, M); -1 where a member has no vote.
        classes: how many there are.
        scores: the mean probability of each class over the members, (n, K); a row of an image
            that a member without probabilities voted on is not a number.
    """
    counts = (predicted[:, :, None] == np.arange(classes)).sum(axis=1)
    tied = counts == counts.max(axis=1, keepdims=True)
    open_ = tied.sum(axis=1) > 1
    several = int(open_.sum())
    if scores is not None:
        best = np.where(tied & ~np.isnan(scores), scores, -1.0)
        tied = np.where(open_[:, None] & (best.max(axis=1) >= 0)[:, None],
                        best == best.max(axis=1, keepdims=True), tied)  # fmt: skip
    left = tied.sum(axis=1) > 1
    decided = tied.argmax(axis=1)
    rows = np.flatnonzero(left)
    voted = np.take_along_axis(tied[rows], np.maximum(predicted[rows], 0), axis=1)
    first = (voted & (predicted[rows] >= 0)).argmax(axis=1)
    decided[rows] = predicted[rows, first]
    shares = counts / counts.sum(axis=1, keepdims=True)
    return Vote(decided, shares, several - len(rows), len(rows))

"""What was found: of each image, and of the images of a client together."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from fastmed.data.tables import scores_of
from fastmed.grades import to_grades
from fastmed.results.calibration.probabilities import TINY, Calibration
from fastmed.results.deciding.decisions import flag
from fastmed.results.deciding.operating_points import OperatingPoint, score_of
from fastmed.task import Task

SHOWN = 3  # images of a client that its page shows


class Highest(NamedTuple):
    """The highest probability of a class among a client's images, and the image."""

    probability: float
    image: str


class Finding(NamedTuple):
    """What the images of a client say together.

    Attributes:
        predicted: the class that one image with the mean probabilities, or the mean value, has.
        probabilities: the mean of each class over the images.
        highest: of each class, in any image.
        counts: class -> the number of images that are predicted as it.
        value: of grades the mean; None for categories.
        highest_value: of grades, in any image.
        flagged: how many images are flagged; None where no operating point was asked for.
        unlike: how many images are unlike the training images; None where nobody knows.
    """

    predicted: str
    probabilities: dict[str, float]
    highest: dict[str, Highest]
    counts: dict[str, int]
    value: float | None
    highest_value: Highest | None
    flagged: int | None
    unlike: int | None


def finding_of(
    table: pd.DataFrame, task: Task, calibration: Calibration, point: OperatingPoint | None
) -> Finding:
    """Return what the predictions of one client's images say together.

    Args:
        table: the predictions, one or more.
        task: of the network.
        calibration: that made the probabilities.
        point: that was asked for, if any.
    """
    scores, names = scores_of(table, task.classes), table["item"].to_numpy()
    mean, values = scores.mean(axis=0), _values(table)
    tops = scores.argmax(axis=0)
    return Finding(
        predicted=task.classes[_decided(mean, values, task, calibration, point)],
        probabilities=dict(zip(task.classes, mean.tolist(), strict=True)),
        highest={
            name: Highest(float(scores[top, k]), str(names[top]))
            for k, (name, top) in enumerate(zip(task.classes, tops, strict=True))
        },
        counts={name: int((table["predicted"] == name).sum()) for name in task.classes},
        value=None if values is None else float(values.mean()),
        highest_value=None
        if values is None
        else Highest(float(values.max()), str(names[values.argmax()])),
        flagged=int(table["flagged"].sum()) if "flagged" in table else None,
        unlike=int((table["unlike"] != "").sum()) if "unlike" in table else None,
    )


def _values(table: pd.DataFrame) -> np.ndarray | None:
    return table["value"].to_numpy(dtype=float) if "value" in table else None


def _decided(
    mean: np.ndarray,
    values: np.ndarray | None,
    task: Task,
    calibration: Calibration,
    point: OperatingPoint | None,
) -> int:
    """Return the class of mean probabilities (K,), decided as that of an image is.

    A category is decided by what the network gives before it is corrected, so the correction is
    taken back: see `Calibration.decisions`.
    """
    if values is not None and calibration.cut_points is not None:
        decided = to_grades(np.array([values.mean()]), calibration.cut_points)
    else:
        outputs = calibration.temperature * np.log(np.clip(mean, TINY, 1))
        if calibration.weights is not None:
            outputs += np.log(calibration.weights)
        decided = outputs.argmax(keepdims=True)
    if point is not None:
        _, decided = flag(point, mean[None], decided, task)
    return int(decided[0])


def reached(table: pd.DataFrame, point: OperatingPoint, task: Task) -> int:
    """Return how many images reach the threshold of an operating point."""
    chance = score_of(scores_of(table, task.classes), point.rule, task)
    return int((chance >= point.threshold).sum())


def telling(table: pd.DataFrame, task: Task, finding: Finding, count: int = SHOWN) -> list[int]:
    """Return the places of the images that say most: flagged ones first, then by probability.

    Of grades it is the value that counts, else the probability of the class of the client.
    """
    column = "value" if "value" in table else f"score_{finding.predicted}"
    flagged = table["flagged"] if "flagged" in table else pd.Series(False, index=table.index)
    order = np.lexsort((-table[column].to_numpy(dtype=float), ~flagged.to_numpy(dtype=bool)))
    return sorted(order[:count].tolist())

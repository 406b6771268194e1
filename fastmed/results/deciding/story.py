"""The figures of a part's probabilities and decisions, from its predictions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastmed.data.tables import grades_of, scores_of
from fastmed.files import read_info
from fastmed.results.calibration.fitted import (
    calibration_of,
    fitted_of,
    validation_file,
    validation_of,
)
from fastmed.results.calibration.probabilities import Calibration
from fastmed.results.deciding.abstention import risk_curve
from fastmed.results.deciding.decisions import certainty_of, kept_points
from fastmed.results.deciding.operating_points import (
    class_of_interest,
    is_positive,
    judge_point,
    score_of,
)
from fastmed.results.figures import decisions as decision_figures
from fastmed.run import Run


class DecisionStory:
    """Figures of how far a labelled part's probabilities can be trusted, and of deciding by them.

    Attributes:
        run: whose predictions they are.
        split: the part or set.
        predictions: its table; only rows with a label count.
    """

    def __init__(self, run: Run, split: str, predictions: pd.DataFrame) -> None:
        self.run = run
        self.split = split
        self.predictions = predictions[predictions["target"] != ""]
        self.scores = scores_of(self.predictions, run.task.classes)
        self.calibrated = _saved(run, split).get("calibrated", True)
        self.true = grades_of(self.predictions["target"], run.task.classes)

    def figures(self) -> dict[str, Callable[[], Figure]]:
        """Return what can be drawn, by the name of its file."""
        makers = {
            "reliability": self.reliability,
            "decision_curve": self.decision_curve,
            "risk_coverage": self.risk_coverage,
        }
        if self.calibrated and kept_points(self.run):
            makers["operating_points"] = self.operating_points
        return makers

    def reliability(self) -> Figure:
        """Return how often each class is true by its probability, before and after calibration."""
        before = self._before()
        shown = None if before is None else before[:, self._places]
        names, positive, scores = self._of_classes()
        return decision_figures.reliability_figure(names, positive, scores, shown)

    def decision_curve(self) -> Figure:
        """Return the net benefit of acting on the probability of each class."""
        return decision_figures.decision_curve_figure(*self._of_classes())

    def risk_coverage(self) -> Figure:
        """Return the mistakes as the least certain images are left to a reader."""
        decided = grades_of(self.predictions["predicted"], self.run.task.classes)
        certainty = certainty_of(self.scores, decided, self.run.task)
        curve = risk_curve(certainty, decided != self.true)
        return decision_figures.risk_coverage_figure(curve, len(self.true))

    def operating_points(self) -> Figure:
        """Return the stored thresholds on the ROC curves of this part."""
        task, points = self.run.task, kept_points(self.run)
        rules = list({point.rule.positive: point.rule for point in points}.values())
        positive = np.stack([is_positive(self.true, rule, task) for rule in rules], axis=1)
        scores = np.stack([score_of(self.scores, rule, task) for rule in rules], axis=1)
        judged = [
            judge_point(
                point, score_of(self.scores, point.rule, task),
                is_positive(self.true, point.rule, task),
            )
            for point in points
        ]  # fmt: skip
        return decision_figures.operating_points_figure(judged, positive, scores)

    @property
    def _places(self) -> list[int]:
        """The classes that are shown: of two the one of interest."""
        classes = self.run.task.classes
        if len(classes) > 2:
            return list(range(len(classes)))
        return [classes.index(class_of_interest(self.run.task) or classes[-1])]

    def _of_classes(self) -> tuple[list[str], np.ndarray, np.ndarray]:
        names = [self.run.task.classes[place] for place in self._places]
        positive = self.true[:, None] == np.array(self._places)
        return names, positive, self.scores[:, self._places]

    def _before(self) -> np.ndarray | None:
        """Return the network's own probabilities (n, K); None where there are no others.

        Those of the validation part are kept. Those of other parts follow from the calibrated ones.
        """
        task, found = self.run.task, self.run.info.get("calibration", {})
        calibrated = self.calibrated and task.predict.calibrate
        if not calibrated or "temperature" not in found:
            return None
        if self.split != "valid":
            return undone(fitted_of(self.run), self.scores)
        if not validation_file(self.run).is_file():
            return None
        kept = validation_of(self.run)
        own = calibration_of(self.run, calibrate=False).probabilities(kept.outputs)
        rows = pd.Index(kept.table["item"]).get_indexer(self.predictions["item"])
        return own[rows] if (rows >= 0).all() else None


def undone(calibration: Calibration, scores: np.ndarray) -> np.ndarray:
    """Return probabilities (n, K) as they were before they were calibrated."""
    weights = 1.0 if calibration.weights is None else calibration.weights
    own = scores**calibration.temperature * weights
    return np.asarray(own / own.sum(axis=1, keepdims=True))


def _saved(run: Run, split: str) -> dict[str, Any]:
    """Return what is known of a part beside its scores."""
    file = run.results / "scores.json"
    found = read_info(file).get(split, {}) if file.is_file() else {}
    return found if isinstance(found, dict) else {}

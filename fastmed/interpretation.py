"""Interpreting: tables and figures of what a run gets right and wrong, from its predictions."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastmed.console import note
from fastmed.data.inputs import read_input
from fastmed.data.operations.transform import prepare
from fastmed.data.pixels.image import open_item
from fastmed.data.pseudonyms import located
from fastmed.data.store.inspection import places_of
from fastmed.data.tables import root_of
from fastmed.errors import DataError, TaskError, listed
from fastmed.results.calibration.fitted import fitted_of
from fastmed.results.deciding.story import DecisionStory
from fastmed.results.figures import predictions as figures
from fastmed.results.scores.asked import asked_scores
from fastmed.results.scores.tables import long_table
from fastmed.run import Run


def interpret(
    run: Run | str | Path, *, split: str = "valid", device: str | None = None
) -> "Interpretation":
    """Return the interpretation of a run's part; it is predicted only if it never was.

    Args:
        run: a run or its folder.
        split: ``valid`` or ``test``, or the name of another set that was evaluated.
        device: for the prediction, where one is needed.

    Raises:
        RunError: the run has no such part, or no weights.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    if not run.predictions_file(split).is_file():
        from fastmed.evaluation import evaluate

        evaluate(run, split=split, device=device)
    table = run.predictions(split)
    return Interpretation(run, split, table[table["target"] != ""])


@dataclass(frozen=True)
class Interpretation:
    """Tables and figures of one labelled part of a run's predictions."""

    run: Run
    split: str
    predictions: pd.DataFrame

    @cached_property
    def scores(self) -> dict:
        """Every score and its interval; see `fastmed.results.scores.score`."""
        return asked_scores(self.run.task, self.predictions)

    def overall(self) -> pd.Series:
        """Return the scores of all classes together."""
        return pd.Series(self.scores["overall"], name=self.split)

    def per_class(self) -> pd.DataFrame:
        """Return sensitivity, specificity, PPV, NPV, F1 and AUROC of each class."""
        return pd.DataFrame(self.scores["per_class"]).T

    def intervals(self) -> pd.DataFrame:
        """Return every score with its interval, a row each, with the columns of ``scores.csv``."""
        return long_table({self.split: self.scores})

    def confusion_matrix(self) -> pd.DataFrame:
        """Return counts: rows are the true classes, columns the predicted ones."""
        classes = list(self.run.task.classes)
        return pd.DataFrame(self.scores["confusion"], index=classes, columns=classes)

    def top_losses(self, count: int = 12) -> pd.DataFrame:
        """Return the predictions that are most wrong, the worst first."""
        return self.predictions.sort_values("loss", ascending=False, kind="stable").head(count)

    def confusion_figure(self) -> Figure:
        """Return the confusion matrix as counts and row shares."""
        return figures.confusion_figure(self.scores)

    def per_class_figure(self) -> Figure:
        """Return sensitivity and specificity of each class."""
        return figures.per_class_figure(self.scores)

    def history_figure(self) -> Figure:
        """Return the curves of losses and metrics."""
        return figures.history_figure(self.run.history, self.run.info.get("best_epoch"))

    def top_losses_figure(self, count: int = 12) -> Figure:
        """Return the images that are most wrong, with true and predicted class and loss.

        Raises:
            DataError: the images are gone.
        """
        worst = self.top_losses(count)
        title = f"Largest losses, {self.split} part"
        return figures.top_losses_figure(worst, self._pictures(worst), self.run.task.classes, title)

    def roc_figure(self) -> Figure:
        """Return the ROC curve of each class against the rest."""
        return figures.roc_figure(self.predictions, self.run.task.classes)

    def distribution_figure(self) -> Figure:
        """Return how often each class is true and predicted."""
        return figures.prediction_distribution_figure(self.predictions, self.run.task.classes)

    def grades_figure(self) -> Figure:
        """Return the network's values by true grade, with the cut points."""
        classes, cut_points = self.run.task.classes, fitted_of(self.run).cut_points
        if cut_points is None:
            raise TaskError(f"{self.run.path} predicts categories; only grades have cut points")
        return figures.grade_scatter_figure(self.predictions, classes, cut_points)

    @property
    def decisions(self) -> DecisionStory:
        """Figures of probabilities and of what is decided by them."""
        return DecisionStory(self.run, self.split, self.predictions)

    def draw(self, losses: int = 12) -> list[Path]:
        """Write every figure that fits below the run's ``figures/`` and return the files."""
        makers = {
            "confusion_matrix": self.confusion_figure,
            "per_class": self.per_class_figure,
            "roc": self.roc_figure,
            "prediction_distribution": self.distribution_figure,
        }
        if (self.run.path / "history.csv").is_file():
            makers["curves"] = self.history_figure
        if self.run.task.goal == "grade":
            makers["grades"] = self.grades_figure
        makers |= self.decisions.figures()
        files = [self._save(name, make()) for name, make in makers.items()]
        try:
            files.append(self._save("top_losses", self.top_losses_figure(losses)))
        except DataError as error:
            note(f"No figure of top losses: {error}")
        return files

    def _save(self, name: str, figure: Figure) -> Path:
        file = self.run.figures / f"{self.split}_{name}.png"
        figures.save(figure, file)
        return file

    def _pictures(self, predictions: pd.DataFrame) -> list[np.ndarray]:
        items = self._items()
        gone = predictions["item"][~predictions["item"].isin(items["item"])]
        if len(gone):
            raise DataError(f"{root_of(items)} holds {listed(gone, 3)} no more")
        rows = items.set_index("item").loc[predictions["item"]]
        root, settings = root_of(items), self.run.task.image
        return [
            prepare(open_item(*place, settings).pixels, settings) for place in places_of(rows, root)
        ]

    def _items(self) -> pd.DataFrame:
        """Return the items that were predicted: the run's own, or another input's."""
        inputs = self.run.info.get("inputs", {})
        if self.split not in inputs:
            return located(self.run.items)
        return read_input(self.run.task, self.run.path / inputs[self.split], skip_bad=True)

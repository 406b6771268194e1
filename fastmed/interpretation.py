"""Interpreting: tables and figures of what a run gets right and wrong, from its predictions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastmed.console import note
from fastmed.data.operations.transform import prepare
from fastmed.data.pixels.image import open_item
from fastmed.data.store.inspection import places_of
from fastmed.data.tables import root_of
from fastmed.errors import DataError, RunError, TaskError, listed
from fastmed.results.calibration.fitted import fitted_of
from fastmed.results.deciding.story import DecisionStory
from fastmed.results.figures import confused
from fastmed.results.figures import predictions as figures
from fastmed.results.maps.embedding_files import Embedding, read_embedding
from fastmed.results.scores.asked import asked_scores
from fastmed.results.scores.confusion import PAIRS, confused_pairs, examples_of
from fastmed.results.scores.tables import long_table
from fastmed.run import Run
from fastmed.run.inputs import predicted_items


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

    def confused_pairs(self, count: int = PAIRS) -> pd.DataFrame:
        """Return which class was taken for which other, how often, and of how many images."""
        pairs = confused_pairs(self.scores)[:count]
        columns = ["true", "predicted", "images", "of", "share"]
        return pd.DataFrame([(*pair, pair.share) for pair in pairs], columns=columns)

    def embedding(self) -> Embedding:
        """Return the embedding map that the run keeps of this part: its table and its figure.

        Raises:
            RunError: there is none, or it is of other weights.
        """
        found = read_embedding(self.run, self.split, self.predictions)
        if found is None:
            raise RunError(
                f"{self.run.title} keeps no embedding map of '{self.split}' by its weights; "
                f"`fastmed interpret {self.run.path} --split {self.split} --embedding` draws it"
            )
        return found

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

    def confused_pairs_figure(self, count: int = PAIRS) -> Figure:
        """Return how often each true class was taken for another, the most frequent first."""
        return confused.confused_pairs_figure(self.scores, count)

    def confused_images_figure(self, pairs: int = 4, images: int = 4) -> Figure:
        """Return examples of the most confused pairs, the largest losses first.

        Raises:
            DataError: the images are gone, or no image is classified wrong.
        """
        shown = confused_pairs(self.scores)[:pairs]
        rows = examples_of(self.predictions, shown, images)
        pictures = [self._pictures(one) for one in rows]
        title = f"Examples of the most confused pairs, {self.split} part"
        return confused.confused_images_figure(shown, rows, pictures, self.run.task.classes, title)

    def roc_figure(self) -> Figure:
        """Return the ROC curve of each class against the rest, with its 95% band."""
        return figures.roc_figure(self.predictions, self.run.task.classes, self.scores)

    def precision_recall_figure(self) -> Figure:
        """Return precision over recall of each class, with its 95% band."""
        classes = self.run.task.classes
        return figures.precision_recall_figure(self.predictions, classes, self.scores)

    def score_histogram_figure(self) -> Figure:
        """Return how the score of each class spreads over the images of each true class."""
        return figures.score_histogram_figure(self.predictions, self.run.task.classes)

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
            "confused_pairs": self.confused_pairs_figure,
            "roc": self.roc_figure,
            "precision_recall": self.precision_recall_figure,
            "score_histograms": self.score_histogram_figure,
            "prediction_distribution": self.distribution_figure,
        }
        if (self.run.path / "history.csv").is_file():
            makers["curves"] = self.history_figure
        if self.run.task.goal == "grade":
            makers["grades"] = self.grades_figure
        makers |= self.decisions.figures()
        if read_embedding(self.run, self.split, self.predictions) is not None:
            makers["embedding"] = self.embedding().figure
        files = [self._save(name, make()) for name, make in makers.items()]
        with_images: dict[str, Callable[[], Figure]] = {
            "top_losses": partial(self.top_losses_figure, losses),
            "confused_images": self.confused_images_figure,
        }
        for name, show in with_images.items():
            try:
                files.append(self._save(name, show()))
            except DataError as error:
                note(f"No figure of {name.replace('_', ' ')}: {error}")
        return files

    def _save(self, name: str, figure: Figure) -> Path:
        file = self.run.figures / f"{self.split}_{name}.png"
        figures.save(figure, file)
        return file

    def _pictures(self, predictions: pd.DataFrame) -> list[np.ndarray]:
        items = predicted_items(self.run, self.split)
        gone = predictions["item"][~predictions["item"].isin(items["item"])]
        if len(gone):
            raise DataError(f"{root_of(items)} holds {listed(gone, 3)} no more")
        rows = items.set_index("item").loc[predictions["item"]]
        root, settings = root_of(items), self.run.task.image
        return [
            prepare(open_item(*place, settings).pixels, settings) for place in places_of(rows, root)
        ]

"""The embedding maps that a run keeps."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastmed.data.tables import read_table
from fastmed.errors import RunError
from fastmed.files import read_info
from fastmed.results.figures.embedding import embedding_figure
from fastmed.run import Run

FOLDER = "embedding"
COLUMNS = ("item", "x", "y")
_COUNTS = ("of", "seed", "features", "components", "neighbours")
_SHARES = ("kept", "perplexity", "trustworthiness", "agrees", "by_chance")


@dataclass(frozen=True)
class Embedding:
    """The embedding map of a part.

    Attributes:
        table: a row an image: ``item``, ``target``, ``predicted``, and its place ``x``, ``y``.
        facts: see ``docs/reference/run-folder.md``.
        classes: of the task.
    """

    table: pd.DataFrame
    facts: dict[str, Any]
    classes: tuple[str, ...]

    def figure(self) -> Figure:
        """Return the map, a panel for each true class."""
        return embedding_figure(self.table, self.classes, self.facts)


def embedding_files(run: Run, split: str) -> tuple[Path, Path]:
    """Return where the places of a part's map are, and what is to be known of it."""
    folder = run.results / FOLDER
    return folder / f"{split}.csv", folder / f"{split}.json"


def read_embedding(run: Run, split: str, predictions: pd.DataFrame) -> Embedding | None:
    """Return the map of a part that a run keeps; None if it keeps none of these weights and images.

    Args:
        run: whose folder it is in.
        split: the part or set.
        predictions: its table; images that are no more in it are left out.

    Raises:
        RunError: it is not as fastmed writes it.
    """
    places, known = embedding_files(run, split)
    if not places.is_file() or not known.is_file():
        return None
    facts = read_info(known)
    if run.weights.is_file() and facts.get("weights_sha256") != weights_digest(run):
        return None
    table = read_table(places)
    whole = set(COLUMNS) <= set(table.columns) and table["item"].is_unique
    if not whole or not _are_numbers(facts):
        raise RunError(f"the embedding map in {places.parent} is not as fastmed writes it")
    for name in ("x", "y"):
        table[name] = pd.to_numeric(table[name], errors="coerce")
    if not np.isfinite(table[["x", "y"]].to_numpy()).all():
        raise RunError(f"{places} has places that are not numbers")
    told = predictions[predictions["target"] != ""][["item", "target", "predicted"]]
    shown = told.merge(table[[*COLUMNS]], on="item")
    return None if shown.empty else Embedding(shown, facts, tuple(run.task.classes))


def weights_digest(run: Run) -> str:
    """Return the SHA-256 of a run's weights."""
    with run.weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _are_numbers(facts: dict[str, Any]) -> bool:
    whole = all(type(facts.get(name)) is int for name in _COUNTS)
    return whole and all(
        isinstance(facts.get(name), float | int) and 0 <= facts[name] < np.inf for name in _SHARES
    )

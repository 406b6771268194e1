"""The embedding map of a part: images by the features of the network's body, on a plane."""

from pathlib import Path

import numpy as np
import pandas as pd

from fastmed.console import note
from fastmed.data.tables import grades_of, write_table
from fastmed.errors import DataError, ModelError
from fastmed.evaluation import evaluate
from fastmed.explaining.atlas import readable_items
from fastmed.familiarity.watch import Watch
from fastmed.files import write_json
from fastmed.learn.restore import statistics_of
from fastmed.prediction.networks import network_outputs
from fastmed.results.maps.embedding import lay_out
from fastmed.results.maps.embedding_files import Embedding, embedding_files, weights_digest
from fastmed.run import Run
from fastmed.run.inputs import predicted_items

MOST = 2000  # images of a map


def draw_embedding(
    run: Run | str | Path,
    *,
    split: str = "valid",
    most: int = MOST,
    seed: int = 0,
    device: str | None = None,
    cache: bool = True,
) -> Embedding:
    """Lay a part's images out by what the network's body sees in them; the run keeps the map.

    The features are those of the last map of the network's body, averaged over their places, of
    the plain view; see `fastmed.results.maps.embedding.lay_out`. Places go into
    ``embedding/PART.csv`` of the run, what is to be known of them into ``embedding/PART.json``.

    Args:
        run: a run or its folder.
        split: ``valid`` or ``test``, or the name of another set that was evaluated.
        most: of more images so many are drawn by chance, which bounds the time.
        seed: of that, and of the map.
        device: ``cpu``, ``cuda``, ...; None takes the best.
        cache: keep decoded images on disk.

    Raises:
        RunError: the run has no such part, or no weights.
        DataError: the images are gone, or too few.
        ModelError: the network has no body that gives features.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    if not run.predictions_file(split).is_file():
        evaluate(run, split=split, device=device)
    table = run.predictions(split)
    table = table[table["target"] != ""]
    if table.empty:
        raise DataError(f"{run.title} has no labelled image in '{split}' to lay out")
    some = _some(table, most, seed)
    items = readable_items(run.task, predicted_items(run, split), some["item"], cache)
    layout = lay_out(
        _features(run, items, device, cache), grades_of(some["target"], run.task.classes), seed
    )
    facts = {"of": len(table), "seed": seed, **layout.facts, "weights_sha256": weights_digest(run)}
    placed = some[["item", "target", "predicted"]].reset_index(drop=True)
    placed[["x", "y"]] = np.round(layout.places, 3)
    places, known = embedding_files(run, split)
    write_table(placed[["item", "x", "y"]], places)
    write_json(known, facts)
    return Embedding(placed, facts, tuple(run.task.classes))


def _some(table: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    """Return at most so many rows, drawn by chance, in their order; say so."""
    if len(table) <= most:
        return table
    note(f"The embedding map has {most} of {len(table)} images, drawn by chance")
    return table.sample(most, random_state=seed).sort_index()


def _features(run: Run, items: pd.DataFrame, device: str | None, cache: bool) -> np.ndarray:
    """Return the features of the network's body for images, (n, C).

    Raises:
        ModelError: it has none.
    """
    statistics, learn = statistics_of(run), run.restore(device)
    watch = Watch(statistics)
    network_outputs(learn, run.task, items, statistics, views=["plain"], cache=cache, watch=watch)
    if not watch.features:
        raise ModelError(
            f"the network of {run.title} has no body that gives features of an image, so there is "
            "no embedding map of it"
        )
    return np.concatenate(watch.features)

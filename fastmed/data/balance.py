"""Rare classes made up for, in the training part only."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fastmed import console
from fastmed.data.tables import LEFT_OUT
from fastmed.settings.data import BalanceSettings


def balance_items(
    items: pd.DataFrame, settings: BalanceSettings, classes: Sequence[str], seed: int = 42
) -> pd.DataFrame:
    """Return the items with the training part of each class brought to ``settings.count``.

    The source's own images come first, then the extra source's; above the count a sample stays.
    A class that stays short is told, or its images are used again (``copies``).

    Args:
        seed: of the sample.
    """
    if settings.method != "per_class" or settings.count is None:
        return items
    items = items.copy()
    generator = np.random.default_rng(seed)
    for name in classes:
        rows = items[(items["split"] == "train") & (items["target"] == name)]
        order = _order(rows, generator)
        left = order[settings.count :]
        items.loc[left, "split"] = LEFT_OUT
        items.loc[left, "note"] = _above(settings.count)
        kept = order[: settings.count]
        if len(kept) < settings.count and settings.repeat:
            items.loc[kept, "copies"] = _copies(len(kept), settings.count)
        elif len(kept) < settings.count:
            console.note(f"class '{name}' has {len(kept)} training images of {settings.count}")
    return items


def class_weights(
    items: pd.DataFrame, classes: Sequence[str], beta: float | None = None
) -> np.ndarray:
    """Return the weight of each class, (K,), by the images of the training part.

    It is in proportion to the inverse of the number of images, or of the effective number, which
    counts that images of one class resemble each other: ``(1 - beta^n) / (1 - beta)`` (Cui et al.,
    arXiv 1901.05555). The mean weight over the training images is 1.

    Args:
        beta: of the effective number; None takes the number itself.
    """
    training = items[items["split"] == "train"]
    counts = training.groupby("target")["copies"].sum().reindex([*classes]).to_numpy(dtype=float)
    # -expm1(n log(beta)) is 1 - beta^n without losing digits where beta is close to 1.
    effective = counts if beta is None else -np.expm1(counts * np.log(beta))
    weights: np.ndarray = counts.sum() / ((counts / effective).sum() * effective)
    return weights


def class_shares(
    items: pd.DataFrame, settings: BalanceSettings, classes: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of each class before balancing, (K,), and as the training met it, (K,).

    Before balancing, images of an extra source don't count where classes are balanced, since they
    are there to make up for rare ones; they do where a class has no others. Without balancing both
    are the same.
    """
    training = items[items["split"] == "train"]
    met = training.groupby("target")["copies"].sum().reindex([*classes], fill_value=0)
    if settings.method == "none":
        return _shares(met), _shares(met)
    dropped = (items["split"] == LEFT_OUT) & (items["note"] == _above(settings.count))
    before = items[(items["split"] == "train") | dropped]
    main = before[before["origin"] != "extra"]
    counted = main if main["target"].nunique() == before["target"].nunique() else before
    natural = counted["target"].value_counts().reindex([*classes], fill_value=0)
    if settings.method == "sampler":
        met = (met > 0).astype(float)
    elif settings.method == "class_weights":
        weights = class_weights(items, classes, settings.beta)
        met = met * np.where(met > 0, weights, 0)
    return _shares(natural), _shares(met)


def draw_weights(targets: pd.Series) -> np.ndarray:
    """Return the relative chance of each image (n,) with which every class is drawn as often."""
    counts = targets.map(targets.value_counts())
    return np.asarray(1 / counts.to_numpy(dtype=float))


def _order(rows: pd.DataFrame, generator: np.random.Generator) -> pd.Index:
    """Return the rows in random order, the extra source's after the others."""
    rows = rows.sort_values("item")
    return rows.index[np.lexsort((generator.random(len(rows)), rows["origin"] == "extra"))]


def _copies(images: int, count: int) -> np.ndarray:
    """Return how often each image is used, so that all uses sum up to ``count``."""
    return count // images + (np.arange(images) < count % images)


def _above(count: int | None) -> str:
    return f"above {count} images a class"


def _shares(counts: pd.Series) -> np.ndarray:
    numbers = counts.to_numpy(dtype=float)
    return np.asarray(numbers / max(numbers.sum(), 1e-300))

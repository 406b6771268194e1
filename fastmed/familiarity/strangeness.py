"""What is strange about images, by what a run knows of its training images."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd

from fastmed.console import warn
from fastmed.familiarity.likeness import Likeness, told
from fastmed.familiarity.watch import Watch
from fastmed.run import Run


def likeness_of(run: Run) -> Likeness | None:
    """Return what a run's training images were like; None if it doesn't know.

    Raises:
        RunError: it is damaged.
    """
    known = run.info.get("likeness")
    return None if known is None else Likeness.load(run.results, known)


def strangeness(likeness: Likeness | None, watch: Watch, items: pd.DataFrame) -> pd.DataFrame:
    """Return in what items are unlike the training images, and how far their content is.

    The columns are ``unlike`` and ``distance``; there are none without a likeness.
    """
    if likeness is None:
        return pd.DataFrame(index=range(len(items)))
    if items.empty:
        return pd.DataFrame({"unlike": pd.Series([], dtype=str), "distance": np.empty(0)})
    sight = watch.sight(items)
    columns = {"unlike": likeness.unlike(sight), "distance": likeness.distances(sight)}
    return pd.DataFrame(columns, index=range(len(items)))


def tell_of_strange(strange: pd.DataFrame) -> None:
    """Warn of images that are unlike the training images."""
    if "unlike" in strange:
        tell_of_unlike(Counter(strange["unlike"]))


def tell_of_unlike(unlike: Mapping[str, int]) -> None:
    """Warn of images that are unlike the training images: what is said -> of how many."""
    if any(unlike):
        warn(told(unlike))

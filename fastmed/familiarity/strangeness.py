"""What is strange about images, by what a run knows of its training images."""

import pandas as pd

from fastmed.console import warn
from fastmed.familiarity.likeness import Likeness, told
from fastmed.familiarity.watch import Watch
from fastmed.run import Run


def strangeness(run: Run, watch: Watch, items: pd.DataFrame) -> pd.DataFrame:
    """Return in what items are unlike the run's training images, and how far their content is.

    The columns are ``unlike`` and ``distance``; there are none if the run doesn't know what its
    training images were like.
    """
    known = run.info.get("likeness")
    if known is None:
        return pd.DataFrame(index=range(len(items)))
    likeness, sight = Likeness.load(run.results, known), watch.sight(items)
    columns = {"unlike": likeness.unlike(sight), "distance": likeness.distances(sight)}
    return pd.DataFrame(columns, index=range(len(items)))


def tell_of_strange(strange: pd.DataFrame) -> None:
    """Warn of images that are unlike the training images."""
    if "unlike" in strange and strange["unlike"].any():
        warn(told(strange["unlike"].tolist()))

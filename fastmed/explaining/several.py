"""Many images explained, one after the other, once they are predicted."""

from collections.abc import Iterator

import pandas as pd

from fastmed.explaining.explanation import Explanation, explanations
from fastmed.learn.heatmaps.aim import Aim, aim_at, columns_of
from fastmed.learn.heatmaps.maps import Batches, heatmaps
from fastmed.learn.restore import statistics_of
from fastmed.run import Run


def aim_of(run: Run, method: str, device: str | None = None) -> Aim:
    """Return a run's network, ready to be explained by a method.

    Raises:
        TaskError: there is no such method, or the network looks at no image.
        ModelError: the method needs a feature map, and the network has none.
    """
    return aim_at(run.restore(device).model, run.task, method)


def explain_several(
    run: Run,
    aim: Aim,
    items: pd.DataFrame,
    predictions: pd.DataFrame,
    *,
    method: str = "gradcam",
    cache: bool = True,
) -> Iterator[Explanation]:
    """Yield what the network used for each prediction, in order; only one is held at a time.

    Args:
        run: that made the predictions.
        aim: its network, of `aim_of`.
        items: that can be read.
        predictions: of them, row by row.
        method: that makes the maps.
        cache: take decoded images from the cache.
    """
    columns = columns_of(run.task, predictions)
    what = f"Explaining {len(items)} images"
    batches = Batches(aim, items, columns, statistics_of(run), what, cache)
    maps = heatmaps(aim, batches, method)
    yield from explanations(aim, items, predictions, maps, columns=columns, method=method)

"""One image explained: its prediction, its heat map, its figure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastmed.data.operations.placement import Placement, placement_of
from fastmed.data.operations.transform import prepare
from fastmed.data.pixels.image import open_item
from fastmed.data.store.decoding import Place
from fastmed.data.store.inspection import places_of
from fastmed.data.tables import root_of
from fastmed.learn.heatmaps.aim import Aim, name_of, places_of_map
from fastmed.results.figures.heatmaps import bare_heatmap_figure, heatmap_figure
from fastmed.results.maps.pointing import hottest_place
from fastmed.task import Task


@dataclass(frozen=True)
class Explanation:
    """What a network used of one image.

    Attributes:
        prediction: the image's row of the predictions table.
        task: of the network.
        method: that made the heat map.
        explained: the class whose score is explained; of grades ``value`` or ``expected grade``.
        picture: the image as the network sees it, uint8 (size, size) or (size, size, 3).
        placement: how the image lies in that square.
        heat: the heat map on the square, (size, size) from 0 to 1; all 0 where nothing raises
            what is explained.
        places: side of the network's feature map, whose places the heat is of; None for a method
            that looks at pixels.
    """

    prediction: pd.Series
    task: Task
    method: str
    explained: str
    picture: np.ndarray
    placement: Placement
    heat: np.ndarray
    places: int | None = None

    def on_image(self) -> np.ndarray:
        """Return the heat map in pixels of the image itself, (H, W).

        It is not a number where the network has not seen the image, since it was cut off.
        """
        return self.placement.to_image(self.heat)

    @property
    def hottest(self) -> tuple[float, float] | None:
        """Row and column, in pixels of the image itself, of the hottest place.

        None where nothing is hot, or where the hottest place lies on the bars beside the image.
        """
        place = hottest_place(self.heat)
        if place is None:
            return None
        axes = self.placement.down, self.placement.across
        found = [(at - axis.offset) / axis.scale for at, axis in zip(place, axes, strict=True)]
        inside = all(a.first <= at <= a.last for at, a in zip(found, axes, strict=True))
        return (found[0], found[1]) if inside else None

    @property
    def beside(self) -> float:
        """The share of the heat that lies on the bars beside the image, where nothing is."""
        total = float(self.heat.sum())
        return float(self.heat[~self.placement.covered()].sum()) / total if total else 0.0

    def figure(self) -> Figure:
        """Return the image, and the image with its heat map, side by side."""
        return heatmap_figure(
            self.picture,
            self.heat,
            self.prediction.to_dict(),
            explained=self.explained,
            method=self.method,
            views=self.task.predict.views,
            places=self.places,
        )

    def bare_figure(self) -> Figure:
        """Return the same without the image's name and classes, for pages that tell them."""
        return bare_heatmap_figure(self.picture, self.heat, explained=self.explained)


def explanations(
    aim: Aim,
    items: pd.DataFrame,
    predictions: pd.DataFrame,
    maps: Iterable[np.ndarray],
    *,
    columns: np.ndarray,
    method: str,
) -> Iterator[Explanation]:
    """Yield an explanation for each row of the predictions.

    Args:
        aim: what was explained.
        items: of the predictions, row by row.
        predictions: their table.
        maps: their heat maps, each (size, size).
        columns: which output was explained of each, (n,).
        method: that made the maps.
    """
    places, grain = places_of(items, root_of(items)), places_of_map(aim, method)
    rows = (row for _, row in predictions.iterrows())
    each = zip(rows, columns, places, maps, strict=True)
    for row, column, place, heat in each:
        name = name_of(aim.task, int(column))
        yield Explanation(row, aim.task, method, name, *_opened(place, aim.task), heat, grain)


def _opened(place: Place, task: Task) -> tuple[np.ndarray, Placement]:
    """Return an image as the network sees it, and how it lies in the network's square."""
    pixels = open_item(*place, task.image).pixels
    return prepare(pixels, task.image), placement_of(pixels, task.image)

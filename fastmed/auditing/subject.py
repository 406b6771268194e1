"""What the checks of the audit look at, each fact worked out once."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from fastmed.auditing.headers import read_said
from fastmed.auditing.measures import Measures
from fastmed.auditing.pairs import near_pairs
from fastmed.auditing.written import Written
from fastmed.data.split import units_of
from fastmed.data.tables import LEFT_OUT, root_of
from fastmed.settings.sources import PARTS
from fastmed.task import Task

NO_FILE = "no file"


@dataclass(frozen=True)
class Subject:
    """A data set as it is audited.

    Attributes:
        task: what it was read as.
        items: all of them, with ``split`` as given or drawn.
        measures: of the items that could be measured, by their index; empty in the fast part.
        written: the tables and folders as they are written, before any reading of images.
        unmeasured: why items could not be measured, by their index.
        skipped: why images can't be looked at at all; empty if they can.
    """

    task: Task
    items: pd.DataFrame
    measures: dict[Any, Measures] = field(default_factory=dict)
    written: Written = field(default_factory=Written)
    unmeasured: dict[Any, str] = field(default_factory=dict)
    skipped: str = ""

    @cached_property
    def readable(self) -> pd.DataFrame:
        """The items whose images can be read, whatever part they are in."""
        readable: pd.DataFrame = self.items[self.items["content"] != ""]
        return readable

    @cached_property
    def parted(self) -> pd.DataFrame:
        """The items that are in a part."""
        return self.items[self.items["split"].isin(PARTS)]

    @cached_property
    def unreadable(self) -> pd.Series:
        """Why items can't be read, by their index."""
        out = (self.items["split"] == LEFT_OUT) & (self.items["content"] == "")
        notes: pd.Series = self.items.loc[out & (self.items["note"] != NO_FILE), "note"]
        unmeasured: pd.Series = pd.Series(self.unmeasured, dtype=object)
        every: pd.Series = pd.concat([notes, unmeasured])
        return every

    @cached_property
    def facts(self) -> pd.DataFrame:
        """What was measured in numbers and words, a row for each readable and measured item."""
        index = list(self.measures)
        told = pd.DataFrame([self.measures[key].told for key in index], index=index)
        return told.join(self.items[["item", "target", "group", "split", "origin"]])

    @cached_property
    def tags(self) -> pd.DataFrame:
        """The allowed fields of DICOM headers, a row for each measured item that has any."""
        tagged = self.facts[self.facts["tags"].map(bool)]
        return pd.DataFrame(tagged["tags"].tolist(), index=tagged.index)

    @cached_property
    def copies(self) -> pd.Series:
        """A number for each readable item that identical images share."""
        return pd.Series(units_of(self.readable, by_patient=False), index=self.readable.index)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Pairs of items that are nearly the same but not identical: ``left`` and ``right``."""
        index = np.array(list(self.measures))
        if len(index) < 2:
            return pd.DataFrame({"left": [], "right": []}, dtype=int)
        found = near_pairs(
            np.stack([one.prints for one in self.measures.values()]),
            np.stack([one.small for one in self.measures.values()]),
        )
        pairs = pd.DataFrame({"left": index[found.left], "right": index[found.right]})
        same = self.copies[pairs["left"]].to_numpy() == self.copies[pairs["right"]].to_numpy()
        others: pd.DataFrame = pairs[~same].reset_index(drop=True)
        return others

    @cached_property
    def blocks(self) -> pd.Series:
        """A number for each readable item that images of a patient, and all copies, share."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        units = pd.Series(units_of(self.readable, by_patient=True), index=self.readable.index)
        count = int(units.max()) + 1 if len(units) else 0
        left, right = units[self.pairs["left"]], units[self.pairs["right"]]
        graph = coo_array((np.ones(len(left)), (left, right)), shape=(count, count))
        joined = connected_components(graph, directed=False)[1]
        return pd.Series(joined[units], index=units.index)

    @cached_property
    def studies(self) -> pd.Series:
        """A hash of each item's study, empty where it is not known; headers are read if need be.

        In the fast part they are read only where a study could be torn: where patients are not
        kept together, or not known.
        """
        if self.measures:
            return self.facts["study"]
        known = self.task.split.method != "stratified" and (self.parted["group"] != "").all()
        if self.task.source.kind != "dicom" or known:
            return pd.Series("", index=self.parted.index)
        root = root_of(self.items)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            said = pool.map(lambda image: read_said(root / image), self.parted["image"])
            return pd.Series([one.study for one in said], index=self.parted.index)

    def keys(self, index: Sequence[Any] | pd.Index) -> tuple[str, ...]:
        """Return the keys of items."""
        return tuple(self.items.loc[list(index), "item"])

"""The engine: items of any number, each read once and seen by one network or several."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np
import pandas as pd

from fastmed.console import visible, warn
from fastmed.data.metadata import Gaps
from fastmed.data.store.cache import Cache
from fastmed.data.store.inspection import has_room, places_of
from fastmed.data.store.prepared import Reader
from fastmed.data.tables import LEFT_OUT, root_of
from fastmed.errors import DataError
from fastmed.familiarity.likeness import Likeness
from fastmed.familiarity.strangeness import strangeness, tell_of_unlike
from fastmed.familiarity.watch import Watch, watching
from fastmed.learn.fitting.interrupts import Heed, interrupt_between_batches
from fastmed.learn.through_views import Seen, Seer
from fastmed.prediction.networks import all_at_work, change_of, coded_metadata, processes_of
from fastmed.settings.image import ImageSettings

MOST_ROWS, LEAST_ROWS = 512, 16  # of a chunk
MOST_PIXELS = 2**25  # of a chunk's images, which are the more the smaller they are
MISSING = "there is no such file"


@dataclass(frozen=True)
class Network:
    """A network that takes part, and what its training images were like."""

    seer: Seer
    likeness: Likeness | None

    @property
    def settings(self) -> ImageSettings:
        """How its images are read."""
        return self.seer.task.image


class Chunk(NamedTuple):
    """Some items, and what the networks give for those that could be read.

    Attributes:
        items: that could be read, n of them.
        good: their places in the chunk, (n,).
        seen: what each network gives for them.
        strange: in what they are unlike each network's training images.
        bad: item, group, target, split and reason of the others, at their places.
    """

    items: pd.DataFrame
    good: np.ndarray
    seen: Sequence[Seen]
    strange: Sequence[pd.DataFrame]
    bad: pd.DataFrame


@dataclass
class Tally:
    """What is told once of all images, however many chunks there are.

    Attributes:
        images: that were predicted, or could not be read.
        bad: of them that could not be read.
        first: the first of those, with its reason.
    """

    images: int = 0
    bad: int = 0
    first: str = ""
    _remarks: Counter[str] = field(default_factory=Counter)
    _unlike: Counter[str] = field(default_factory=Counter)
    _gaps: list[Gaps] = field(default_factory=list)

    def begin(self, networks: Sequence[Network]) -> None:
        """Begin to count for these networks; encoders that are equal count once."""
        encoders = [network.seer.statistics.metadata for network in networks]
        known = [one for one in encoders if one is not None]
        self._gaps = [Gaps(one) for place, one in enumerate(known) if one not in known[:place]]

    def count(self, chunk: Chunk, remarks: Iterable[str]) -> None:
        """Count a chunk."""
        self.images += len(chunk.items) + len(chunk.bad)
        self.bad += len(chunk.bad)
        self._remarks.update(remark for remark in remarks if remark)
        for gaps in self._gaps:
            gaps.add(chunk.items)

    def count_unlike(self, table: pd.DataFrame) -> None:
        """Count what a table of predictions says of images that are unlike the usual."""
        if "unlike" in table:
            self._unlike.update(table["unlike"])

    def tell(self, remarks: bool = True) -> None:
        """Tell all of it; the remarks on kinds of files only if they have not been told before."""
        for remark, count in self._remarks.items() if remarks else ():
            warn(f"{count} images: {remark}")
        for gaps in self._gaps:
            gaps.tell()
        tell_of_unlike(self._unlike)


class Engine:
    """Networks and readers at work; to be used in a ``with`` statement.

    Args:
        networks: that see each image.
        cache: look for decoded images in the cache, and put there what had to be decoded.
        workers: processes that decode; None takes one a core.
        images: how many are to come, for which the cache must have room.
    """

    def __init__(
        self, networks: Sequence[Network], *, cache: bool, workers: int | None, images: int
    ) -> None:
        self.networks, self.tally = list(networks), Tally()
        self._cache, self._images, self._processes = cache, images, processes_of(workers)
        self._stack = ExitStack()
        self._readers: dict[ImageSettings, Reader] = {}

    def __enter__(self) -> "Engine":
        self.tally.begin(self.networks)
        with ExitStack() as stack:
            stack.enter_context(all_at_work([network.seer for network in self.networks]))
            for network in self.networks:
                if network.settings not in self._readers:
                    reader = stack.enter_context(self._reader(network.settings))
                    self._readers[network.settings] = reader
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def _reader(self, settings: ImageSettings) -> Reader:
        cache = Cache(settings) if self._cache else None
        keep = cache is not None and has_room(cache, self._images)
        return Reader(settings, cache, self._processes, keep)

    @property
    def rows(self) -> int:
        """How many images make a chunk."""
        side = max(network.settings.size for network in self.networks)
        return int(np.clip(MOST_PIXELS // side**2, LEAST_ROWS, MOST_ROWS))

    def chunk(self, items: pd.DataFrame) -> Chunk:
        """Return what the networks give for a chunk of items.

        Raises:
            DataError: an image is not the one that was inspected.
            KeyboardInterrupt: Ctrl-C was pressed.
        """
        looked = _Looked(items)
        seen: dict[int, Seen] = {}
        strange: dict[int, pd.DataFrame] = {}
        with interrupt_between_batches() as heed:
            for settings, reader in self._readers.items():
                members = [n for n, one in enumerate(self.networks) if one.settings == settings]
                good, outputs, odd = self._through(reader, members, looked, heed)
                for member in members:
                    seen[member], strange[member] = outputs[member], odd[member]
                    looked.of[member] = good
        chunk = looked.result(seen, strange)
        self.tally.count(chunk, looked.remarks.values())
        if len(chunk.bad) and not self.tally.first:
            place = chunk.bad.index[0]
            self.tally.first = (
                f"{root_of(items) / items['image'].iloc[place]}: {chunk.bad['reason'].iloc[0]}"
            )
        return chunk

    def _through(
        self,
        reader: Reader,
        members: Sequence[int],
        looked: "_Looked",
        heed: Heed,
    ) -> tuple[np.ndarray, dict[int, Seen], dict[int, pd.DataFrame]]:
        """Let some networks see the images that one reader reads."""
        seers = {member: self.networks[member].seer for member in members}
        watches = {member: Watch(seer.statistics) for member, seer in seers.items()}
        parts: dict[int, list[Seen]] = {member: [] for member in members}
        coded = {
            member: coded_metadata(seer.statistics, looked.items) for member, seer in seers.items()
        }
        good: list[int] = []
        images = looked.images(reader)
        with ExitStack() as stack:
            for member, seer in seers.items():
                stack.enter_context(watching(seer.model, watches[member]))
            while some := list(islice(images, max(seer.batch for seer in seers.values()))):
                heed()
                places = [place for place, _ in some]
                good += places
                for member, seer in seers.items():
                    for first in range(0, len(some), seer.batch):
                        batch = some[first : first + seer.batch]
                        rows = coded[member]
                        parts[member].append(
                            seer.see(
                                [pixels for _, pixels in batch],
                                None if rows is None else rows[[place for place, _ in batch]],
                                watches[member].look,
                            )
                        )
        chosen = looked.items.iloc[good]
        chosen.attrs = looked.items.attrs
        odd = {
            member: strangeness(self.networks[member].likeness, watches[member], chosen)
            for member in members
        }
        joined = {m: Seen.joined(p) if p else seers[m].nothing() for m, p in parts.items()}
        return np.array(good, dtype=int), joined, odd


class _Looked:
    """The items of a chunk, and why some of them can't be read."""

    def __init__(self, items: pd.DataFrame) -> None:
        self.items = items
        self.reasons: dict[int, str] = {}
        self.remarks: dict[int, str] = {}
        self.of: dict[int, np.ndarray] = {}
        notes = items["note"].to_numpy(dtype=str)
        left = (items["split"] == LEFT_OUT).to_numpy()
        for place, image in enumerate(items["image"]):
            if not image or left[place]:
                self.reasons[place] = notes[place] or MISSING

    def images(self, reader: Reader) -> Iterator[tuple[int, np.ndarray]]:
        """Yield place and pixels of each image that can be read."""
        open_ = [place for place in range(len(self.items)) if place not in self.reasons]
        some = self.items.iloc[open_]
        found = reader.read(places_of(some, root_of(self.items)))
        known = some["content"].tolist() if "content" in some else [""] * len(some)
        for place, content, decoded in zip(open_, known, found, strict=True):
            if decoded.reason:
                self.reasons[place] = decoded.reason
                continue
            if change := change_of(decoded, content):
                raise DataError(f"image '{self.items['item'].iloc[place]}': {change}")
            self.remarks[place] = decoded.remark
            yield place, decoded.pixels

    def result(self, seen: dict[int, Seen], strange: dict[int, pd.DataFrame]) -> Chunk:
        """Return the chunk: what all networks could see, and what not."""
        good = np.array([p for p in range(len(self.items)) if p not in self.reasons], dtype=int)
        kept = {member: np.isin(places, good) for member, places in self.of.items()}
        items = self.items.iloc[good].reset_index(drop=True)
        items.attrs = self.items.attrs
        places = sorted(self.reasons)
        bad = self.items[["item", "group", "target", "split"]].iloc[places].set_axis(places)
        bad["split"] = bad["split"].where(bad["split"] != LEFT_OUT, "")
        bad["reason"] = [visible(self.reasons[place]) for place in places]
        return Chunk(
            items,
            good,
            [Seen(seen[m].mean[kept[m]], seen[m].each[:, kept[m]]) for m in sorted(seen)],
            [strange[m][kept[m]].reset_index(drop=True) for m in sorted(strange)],
            bad,
        )

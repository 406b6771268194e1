"""All images measured once: from what is kept on disk, or anew in processes."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice

from fastmed import console
from fastmed.auditing.measures import Measures, measured, unpacked, unreadable
from fastmed.data.store.crew import Crew
from fastmed.data.store.decoding import Place, stamp_of
from fastmed.data.store.keeping import put_or_warn
from fastmed.data.store.measured import MeasuredImages
from fastmed.settings.image import ImageSettings

TOGETHER = 16  # images handed to a process at a time
KEPT = 512  # images that are put on disk at a time
_NOT_KEPT = "measures can't be kept in {}; they are taken each time"


def measure_all(
    places: Sequence[Place], settings: ImageSettings, keep: bool = True
) -> list[Measures | str]:
    """Return what was measured on each image, or why it can't be.

    Args:
        places: of the images.
        settings: how they are read.
        keep: on disk, so that only new and changed images are measured the next time.
    """
    store = MeasuredImages(settings) if keep else None
    known = store.find(places) if store else {}
    new = [place for place in dict.fromkeys(places) if place not in known]
    pairs = console.progress(_measured(new, settings), "Measuring images", len(new))
    while some := list(islice(pairs, KEPT)):
        known |= {place: content for place, _, content in some}
        store = put_or_warn(store, [one for one in some if one[1]], _NOT_KEPT)
    return [unpacked(known[place]) for place in places]


def _measured(
    places: Sequence[Place], settings: ImageSettings
) -> Iterator[tuple[Place, str, bytes]]:
    """Yield places with stamps and measures: files from processes, arrays from threads."""
    files = [place for place in places if not place.array]
    arrays = [place for place in places if place.array]
    work = partial(_measure_some, settings=settings)
    if files:
        crew = Crew(work, lambda reason: ("", unreadable(reason)), TOGETHER)
        for place, found in zip(files, crew.results(files), strict=True):
            yield place, *found
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        each = pool.map(lambda place: _measure_some([place], settings)[0], arrays)
        for place, found in zip(arrays, each, strict=True):
            yield place, *found


def _measure_some(places: Sequence[Place], settings: ImageSettings) -> list[tuple[str, bytes]]:
    return [(stamp_of(place.file), measured(place, settings)) for place in places]

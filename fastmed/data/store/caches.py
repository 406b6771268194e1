"""What is kept of images, decoded or measured, for which settings, and how much there is."""

import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

from fastmed.data.store.cache import DESCRIPTION, count_images, description
from fastmed.data.store.measured import description_of_measures
from fastmed.files import read_json
from fastmed.settings.image import ImageSettings
from fastmed.state import cache_folder


class CacheState(NamedTuple):
    """One cache as it lies on disk.

    Attributes:
        folder: where it is; one whose name begins with ``audit-`` holds measures of images.
        settings: of the images that differ from the defaults.
        images: how many there are.
        bytes: that they take.
        days: since it was last written.
        current: False if other decoders or another fastmed made it, so that it is used no more.
    """

    folder: Path
    settings: dict[str, Any]
    images: int
    bytes: int
    days: float
    current: bool

    def as_row(self) -> tuple[str, int, float, float, str, str]:
        """Return what a table shows: name, images, MB, days, whether it is used, settings."""
        settings = ", ".join(f"{key} = {value}" for key, value in self.settings.items())
        used = "yes" if self.current else "no more"
        return self.folder.name, self.images, self.bytes / 2**20, self.days, used, settings


def list_caches() -> list[CacheState]:
    """Return the caches of this user, the one written last first."""
    found = [_state(file.parent) for file in cache_folder().glob(f"*/{DESCRIPTION}")]
    return sorted(found, key=lambda state: state.days)


def clear_caches(older_than: float = 0, only_outdated: bool = False) -> list[CacheState]:
    """Remove caches and return those that were removed.

    Args:
        older_than: days since they were last written.
        only_outdated: leave those that are still used.
    """
    chosen = [
        state
        for state in list_caches()
        if state.days >= older_than and not (only_outdated and state.current)
    ]
    for state in chosen:
        shutil.rmtree(state.folder)
    return chosen


def free_bytes() -> int:
    """Return how many bytes are free where the caches are."""
    folder = cache_folder()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(there).free


def _state(folder: Path) -> CacheState:
    made = read_json(folder / DESCRIPTION)
    files = [file for file in folder.iterdir() if file.is_file()]
    written = max(file.stat().st_mtime for file in files)
    settings = made["settings"]
    describe = description_of_measures if "measures" in made else description
    present = describe(ImageSettings())
    usual = present["settings"]
    return CacheState(
        folder,
        {key: value for key, value in settings.items() if value != usual.get(key)},
        count_images(folder),
        sum(file.stat().st_size for file in files),
        (time.time() - written) / 86400,
        {**made, "settings": usual} == present,
    )

"""Keeping what was made of images: a disk that can't be written costs time and nothing else."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from fastmed import console
from fastmed.errors import RunError


class Keeper(Protocol):
    """A folder that something is kept in."""

    folder: Path

    def put(self, found: Any, /) -> None:
        """Keep what was found."""


Kept = TypeVar("Kept", bound=Keeper)


def put_or_warn(keeper: Kept | None, found: Sequence[Any], otherwise: str) -> Kept | None:
    """Keep what was found, if anything; return None, with a warning, if it can't be kept any more.

    Args:
        keeper: None keeps nothing.
        found: what its ``put`` takes.
        otherwise: what can't be kept, and what is done instead, around ``{}`` for folder and error.
    """
    if keeper is None or not found:
        return keeper
    try:
        keeper.put(found)
    except (OSError, RunError, sqlite3.Error) as error:
        console.warn(otherwise.format(f"{keeper.folder} ({error})"))
        return None
    return keeper

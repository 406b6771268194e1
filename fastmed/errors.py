"""Errors that read as one clear sentence: what was found, what was expected, what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class FastmedError(Exception):
    """The base of every error that a user can cause and mend."""


class TaskError(FastmedError):
    """A task, or a change to one, is not valid."""


class DataError(FastmedError):
    """A data set, an image or a table is not as declared."""


class ModelError(FastmedError):
    """A network or its weights can't be had or don't fit."""


class TrainingError(FastmedError):
    """A training can't start or can't go on."""


class RunError(FastmedError):
    """A run folder is missing, incomplete or can't be written."""


class MissingExtraError(FastmedError):
    """An optional package that the request needs is not installed."""


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest of ``names``, or an empty string."""
    known = {str(other).lower(): str(other) for other in names}
    matches = get_close_matches(str(name).lower(), known, n=1, cutoff=0.6)
    return f"; did you mean '{known[matches[0]]}'?" if matches else ""


def listed(names: Iterable[object], most: int = 5) -> str:
    """Return ``names`` as a short list for a sentence: ``'a', 'b' and 3 more``."""
    every = [f"'{name}'" for name in names]
    shown = ", ".join(every[:most])
    return shown if len(every) <= most else f"{shown} and {len(every) - most} more"

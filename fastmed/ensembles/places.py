"""Where the members of an ensemble are: files, runs, and families, each of which is one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastmed.errors import DataError, RunError, listed
from fastmed.results.comparison.sides import Side, common_part, members_of, side_of
from fastmed.run import FAMILY_FILE
from fastmed.task import Task


@dataclass(frozen=True)
class Places:
    """Where the members of an ensemble are, in the order in which the user names them.

    Attributes:
        names: of all.
        paths: of all.
        sides: the runs and families, by path; all others are files.
    """

    names: tuple[str, ...]
    paths: tuple[Path, ...]
    sides: Mapping[Path, Side]

    @property
    def files(self) -> list[Path]:
        """The members that are files."""
        return [path for path in self.paths if path not in self.sides]


def find_places(given: Sequence[str | Path]) -> Places:
    """Return the members that paths mean; one family alone stands for its runs, or its trials.

    Raises:
        RunError: one is missing or stands twice, or there are fewer than two.
    """
    paths = [Path(path) for path in given]
    if len(paths) == 1 and (paths[0] / FAMILY_FILE).is_file():
        sides = members_of(paths[0])
        paths = [side.path for side in sides]
        found = dict(zip(paths, sides, strict=True))
    else:
        found = {path: side_of(path) for path in paths if _is_folder(path)}
    where = [found[path].path.resolve() if path in found else path.resolve() for path in paths]
    if len(set(where)) < len(where):
        raise RunError("a member stands twice; each of an ensemble is another one")
    if len(paths) < 2:
        raise RunError("an ensemble takes at least two members, or a family of several")
    return Places(_names(paths, found), tuple(paths), found)


def _is_folder(path: Path) -> bool:
    if path.is_file():
        return False
    if not path.is_dir() and path.suffix:
        raise RunError(f"there is no file or run '{path}'")
    return True


def _names(paths: Sequence[Path], sides: Mapping[Path, Side]) -> tuple[str, ...]:
    """Return short names where they differ, or else the paths."""
    short = [Path(sides[path].name).name if path in sides else path.stem for path in paths]
    return tuple(short) if len(set(short)) == len(short) else tuple(map(str, paths))


def agreed_task(places: Places) -> Task | None:
    """Return the task of the runs and families; None where all members are files.

    Raises:
        DataError: they predict different classes.
    """
    first: tuple[str, Task] | None = None
    for name, path in zip(places.names, places.paths, strict=True):
        if path not in places.sides:
            continue
        task = places.sides[path].task
        if first is None:
            first = name, task
        own, other = set(task.classes), set(first[1].classes)
        same = task.classes == first[1].classes if task.goal == "grade" else own == other
        if task.goal != first[1].goal or not same:
            raise DataError(
                f"{name} predicts {task.goal} {listed(task.classes, 12)}, and {first[0]} "
                f"{first[1].goal} {listed(first[1].classes, 12)}; an ensemble is of the same "
                "classes"
            )
    return None if first is None else first[1]


def common_predictions(places: Places, split: str | None) -> str:
    """Return the part whose predictions all runs and families have.

    Raises:
        RunError: one has none; the command that makes them is said.
    """
    return common_part([*places.sides.values()], split)

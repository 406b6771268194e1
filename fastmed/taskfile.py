"""Task files: where tasks are looked up, how they are read, changed and written as TOML."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import tomli_w
from pydantic import BaseModel, ValidationError

from fastmed.errors import TaskError, listed, nearest
from fastmed.files import read_text
from fastmed.task import Task

FILE_NAME = "tasks.toml"
# The reader of TOML takes minutes for a name of a hundred thousand parts, as `a.a.a...`.
_LONGEST_FILE = 256 * 1024  # bytes
_LONGEST_LINE = 5_000  # characters


def packed_file() -> Path:
    """Return the task file that comes with fastmed (beside the package in a source checkout)."""
    inside = Path(__file__).with_name(FILE_NAME)
    return inside if inside.exists() else Path(__file__).parent.parent / FILE_NAME


def load_tasks(file: str | Path | None = None) -> dict[str, Task]:
    """Return every known task by name: the packed ones, extended by a file of the user's own.

    Args:
        file: the user's file; None takes ``tasks.toml`` of the working directory, if there.

    Raises:
        TaskError: a file is missing, is not TOML, or declares an invalid task.
    """
    return {name: _build(name, table, place) for name, (table, place) in _tables(file).items()}


def find_task(name: str, file: str | Path | None = None) -> Task:
    """Return one task by name; other tasks of the file need not be valid.

    Raises:
        TaskError: no task has this name (the nearest one is said), or it is invalid.
    """
    tables = _tables(file)
    if name not in tables:
        close = nearest(name, tables) or f"; known are {listed(tables, most=20)}"
        raise TaskError(f"no task '{name}'{close}")
    return _build(name, *tables[name])


def changed(task: Task, changes: Mapping[str, Any]) -> Task:
    """Return the task with dotted keys changed and validated anew."""
    table = task.model_dump(mode="json", exclude_unset=True)
    for key in changes:
        _drop(table, _BELONGING.get(key, ()))
    for key, value in changes.items():
        *path, last = key.split(".")
        part = table
        for step in path:
            if part.get(step) is None:
                part[step] = {}
            part = part[step]
            if not isinstance(part, dict):
                raise TaskError(f"'{key}' can't be set: '{step}' is a value, not a table")
        part[last] = value
    return _build(task.name, table)


_OF_LOSS = (
    "train.label_smoothing", "train.focal_gamma", "train.smooth_l1_beta", "train.huber_delta",
)  # fmt: skip
_OF_CLASSES = ("scores.referable", "scores.prevalence", "scores.threshold", "scores.costs")
# Settings that have a meaning only beside another one, and go when that one is changed.
_BELONGING = {
    "image.fit": ("image.resize",),
    "balance.method": ("balance.count", "balance.repeat", "balance.beta", "predict.prior"),
    "train.schedule": ("train.step_epochs", "train.step_factor", "train.warmup_epochs"),
    "train.opt": ("train.momentum",),
    "train.loss": _OF_LOSS,
    "train.lr_spread": ("train.layer_decay",),
    "train.layer_decay": ("train.lr_spread",),
    "train.start_size": ("train.grow_epochs",),
    "train.pretrained": ("train.weights",),
    "classes": ("predict.positive", *_OF_CLASSES),
    "goal": (
        "scores.referable", "train.loss", "train.select", "predict.cut_points", "predict.positive",
        *_OF_LOSS,
    ),
}  # fmt: skip


def _drop(table: dict[str, Any], keys: tuple[str, ...]) -> None:
    for key in keys:
        part, name = key.split(".")
        table.get(part, {}).pop(name, None)


def parse_change(text: str) -> tuple[str, Any]:
    """Return key and value of ``train.lr=0.001``; the value is TOML, a bare word is a string."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise TaskError(f"'{text}' is not a setting; expected KEY=VALUE, as in train.lr=0.001")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def to_toml(task: Task) -> str:
    """Return the task, with every default written out, as TOML that `--tasks` reads again."""
    table = task.model_dump(mode="json", exclude_none=True, exclude={"name"})
    return tomli_w.dumps({task.name: table})


def _tables(file: str | Path | None) -> dict[str, tuple[dict[str, Any], str]]:
    """Return the unchecked table and the place of each task, the user's over the packed."""
    own = Path(file) if file is not None else Path(FILE_NAME)
    if file is not None and not own.is_file():
        raise TaskError(f"no task file '{own}'; give the path of a TOML file with --tasks")
    places = [packed_file(), *([own] if own.is_file() else [])]
    return {name: (table, str(place)) for place in places for name, table in _read(place).items()}


def _read(place: Path) -> dict[str, dict[str, Any]]:
    try:
        text = read_text(place, _LONGEST_FILE)
        if any(len(line) > _LONGEST_LINE for line in text.splitlines()):
            raise ValueError(f"a line has more than {_LONGEST_LINE:,} characters; break it")
        tables = tomllib.loads(text)
    except RecursionError:
        raise TaskError(f"{place} is not valid TOML: its tables are nested too deep") from None
    except ValueError as error:
        raise TaskError(f"{place} is not valid TOML: {error}") from None
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise TaskError(f"{place}: '{name}' stands outside of a task; expected [task] tables")
    return tables


def _build(name: str, table: Mapping[str, Any], place: str = "") -> Task:
    try:
        task = Task.model_validate({**table, "name": name})
    except ValidationError as error:
        raise TaskError(f"{place and place + ': '}{_sentence(name, error)}") from None
    if place:
        _check_members(task, place)
    return task


def _check_members(task: Task, place: str) -> None:
    for member in task.members:
        try:
            task.with_changes(task.changes_of_member(member))
        except TaskError as error:
            raise TaskError(f"{place}: [{task.name}.members.{member}] {error}") from None


def _sentence(name: str, error: ValidationError) -> str:
    """Return the first problem that pydantic found, with place and nearest match."""
    problem = error.errors()[0]
    path = [step for step in problem["loc"] if not _names_a_type(step)]
    where = ".".join([name, *(str(step) for step in path)])
    given = problem.get("input")
    match problem["type"]:
        case "extra_forbidden":
            known = _keys_at(problem["loc"][:-1])
            close = nearest(str(path[-1]), known) or f"; known are {', '.join(sorted(known))}"
            return f"[{where}] is not a known setting{close}"
        case "missing":
            return f"[{where}] is missing"
        case "literal_error":
            names = _choices(problem["ctx"]["expected"])
            close = nearest(str(given), names) or f"; expected one of {', '.join(names)}"
            return f"[{where}] = {given!r} is not a known choice{close}"
        case "union_tag_invalid" | "union_tag_not_found":
            kinds = ", ".join(_KINDS)
            return f"[{where}.kind] names no kind of source; expected one of {kinds}"
        case "value_error":
            return f"[{where}] {problem['ctx']['error']}"
    return f"[{where}] = {given!r}: {problem['msg'].lower()}"


_KINDS = ("folders", "table", "arrays", "dicom")


def _names_a_type(step: int | str) -> bool:
    return step in _KINDS or str(step).startswith("literal[") or str(step) == "Normalization"


def _choices(expected: str) -> list[str]:
    return [word.strip(" '") for word in expected.replace(" or ", ",").split(",")]


def _keys_at(loc: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the model at a place of the task knows."""
    models: list[type[BaseModel]] = [Task]
    for step in loc:
        if isinstance(step, int):
            continue
        if step in _KINDS:
            models = [model for model in models if _kind(model) == step]
        else:
            fields = [model.model_fields.get(str(step)) for model in models]
            models = [found for field in fields if field for found in _models(field.annotation)]
    return [key for model in models for key in model.model_fields]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType) or get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            yield from _models(part)


def _kind(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("kind")
    return get_args(field.annotation)[0] if field else None

"""The settings of a search: which settings are tried, and which of their values."""

import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self, get_args, get_origin

from pydantic import BaseModel, ValidationError, field_validator, model_serializer, model_validator

from fastmed.errors import nearest
from fastmed.settings.part import Part

if TYPE_CHECKING:
    from fastmed.task import Task

SEARCHED = ("image", "balance", "augment", "head", "train")  # the parts whose settings are tried
UNSET = "none"  # a choice that leaves a setting out
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*(?::\s*(log|{_NUMBER})\s*)?")
_NOT_TRIED = {
    "train.seed": "is luck and no setting; `fastmed train --seeds 3` compares seeds",
    "train.select": "is what the search goes by",
    "train.save_every": "changes nothing that is learnt",
    "train.test_each_epoch": "changes nothing that is learnt",
}
# With these the loss means something else, so that its values can't be compared.
_OF_LOSS = (
    "train.loss", "train.label_smoothing", "train.focal_gamma", "train.smooth_l1_beta",
    "train.huber_delta", "balance.method", "balance.beta",
)  # fmt: skip


class Range(Part):
    """Numbers from ``low`` to ``high``, both included.

    Attributes:
        log: try powers evenly, as 0.001, 0.01, 0.1.
        step: between values; None takes any number, or any whole number.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    @model_validator(mode="after")
    def _has_values(self) -> Self:
        numbers = [self.low, self.high, *([] if self.step is None else [self.step])]
        if not all(map(math.isfinite, numbers)):
            raise ValueError(f"{self} has an end that is no number")
        if self.low >= self.high:
            raise ValueError(f"{self} has no second value; write LOW..HIGH, with LOW below HIGH")
        if self.log and self.low <= 0:
            raise ValueError(f"{self} has no logarithm at its lower end; begin above 0")
        if self.step is not None and (self.log or not 0 < self.step <= self.high - self.low):
            raise ValueError(f"{self} needs a step between 0 and {self.high - self.low:g}")
        return self

    @model_serializer
    def __str__(self) -> str:
        end = ":log" * self.log or (f":{_short(self.step)}" if self.step is not None else "")
        return f"{_short(self.low)}..{_short(self.high)}{end}"


def _short(number: float) -> str:
    """Return a number as it is read back."""
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


Choices = tuple[Any, ...]
Space = dict[str, Range | Choices]


class TuneSettings(Part):
    """What `fastmed tune` searches.

    Attributes:
        space: dotted setting -> a range or a list of choices; None takes a small one that suits
            most tasks.
    """

    space: dict[str, Range | Choices] | None = None

    @field_validator("space", mode="before")
    @classmethod
    def _as_lines(cls, given: Any) -> Any:
        if given is None:
            return None
        if not isinstance(given, Mapping) or not given:
            raise ValueError(
                'the space has no setting; give it one, as in "train.lr" = "1e-4..1e-2:log"'
            )
        space: Space = {}
        for key, value in _flat(given):
            if key in space:
                raise ValueError(f"{key} stands twice")
            space[key] = _line(key, value)
        return space


def parse_space(lines: list[str]) -> Space:
    """Return the space of lines such as ``train.lr=1e-4..1e-2:log`` or ``train.opt=adamw,sgd``.

    Raises:
        ValueError: says which line is none.
    """
    space: Space = {}
    for line in lines:
        key, equals, value = line.partition("=")
        key = key.strip()
        if not equals or not key:
            raise ValueError(f"'{line}' is no line of a space; write KEY=LOW..HIGH or KEY=A,B,C")
        if key in space:
            raise ValueError(f"{key} stands twice")
        space[key] = _line(key, value)
    return space


def known_settings(task: type[BaseModel]) -> dict[str, tuple[type[BaseModel], str]]:
    """Return the settings that can be searched: dotted name -> model and field."""
    found: dict[str, tuple[type[BaseModel], str]] = {}
    for part in SEARCHED:
        model = task.model_fields[part].annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            found |= {f"{part}.{name}": (model, name) for name in model.model_fields}
    return {key: place for key, place in found.items() if key not in _NOT_TRIED}


def check_space(task: "Task") -> None:
    """Refuse a space with an unknown setting, or a value that its setting does not take.

    Raises:
        ValueError: says which, and what it takes.
    """
    known = known_settings(type(task))
    for key, line in (task.tune.space or {}).items():
        if key not in known:
            raise ValueError(f"tune.space: {_unknown(key, known)}")
        if task.select == "valid_loss" and key in _OF_LOSS:
            raise ValueError(
                f"tune.space: {key} changes what the loss means, and the search goes by it; "
                "choose another train.select"
            )
        model, field = known[key]
        for value in _values(key, line, model, field):
            _check_value(key, value, model, field)


def is_whole(task: type[BaseModel], key: str) -> bool:
    """True if a searched setting takes whole numbers only."""
    model, field = known_settings(task)[key]
    kinds = _kinds(model.model_fields[field].annotation)
    return int in kinds and float not in kinds


def _unknown(key: str, known: Mapping[str, Any]) -> str:
    if key in _NOT_TRIED:
        return f"{key} {_NOT_TRIED[key]}"
    part = key.partition(".")[0]
    if part not in SEARCHED and not nearest(key, known):
        return f"{key} can't be searched, only settings of {', '.join(SEARCHED)}"
    return f"{key} is not a known setting{nearest(key, known)}"


def _values(key: str, line: Range | Choices, model: type[BaseModel], field: str) -> Iterator[Any]:
    """Yield what a setting has to take: the ends of a range, or each choice."""
    annotation = model.model_fields[field].annotation
    kinds = _kinds(annotation)
    if not isinstance(line, Range):
        leaves_out = type(None) in kinds
        yield from (None if one == UNSET and leaves_out else one for one in line)
        return
    if not {int, float} & kinds:
        raise ValueError(f"tune.space: {key} takes no range; list its values")
    whole = int in kinds and float not in kinds
    numbers = [line.low, line.high, *([] if line.step is None else [line.step])]
    if whole and not all(number.is_integer() for number in numbers):
        raise ValueError(f"tune.space: {key} takes whole numbers, not {line}")
    yield from (int(end) if whole else end for end in (line.low, line.high))


def _check_value(key: str, value: Any, model: type[BaseModel], field: str) -> None:
    """Refuse a value by the setting alone; what it may not stand beside is told by the trial."""
    try:
        model.model_validate({field: value})
    except ValidationError as error:
        own = [one for one in error.errors() if one["loc"][:1] == (field,)]
        if own:
            expected = str(own[0].get("ctx", {}).get("expected", ""))
            close = nearest(str(value), re.findall(r"'([^']+)'", expected))
            reason = close or f": {own[0]['msg'].lower()}"
            raise ValueError(f"tune.space: {key} does not take {value!r}{reason}") from None


def _kinds(annotation: Any) -> set[Any]:
    """Return the types that a setting may have."""
    if get_origin(annotation) is Annotated:
        return _kinds(get_args(annotation)[0])
    parts = get_args(annotation)
    if not parts or get_origin(annotation) in (tuple, list, dict):
        return {annotation}
    return set().union(*(_kinds(part) for part in parts))


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted keys and lines; TOML makes tables of keys with dots that are not quoted."""
    for key, value in table.items():
        nested = isinstance(value, Mapping) and not {"low", "high"} & set(value)
        if nested and value:
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _line(key: str, value: Any) -> Range | Choices:
    """Return a range or choices from a table, a list, or text."""
    if isinstance(value, str):
        value = _read(value)
    try:
        if isinstance(value, Mapping):
            _check_words(key, value)
            value = Range.model_validate(dict(value))
    except ValidationError as error:
        problem = error.errors()[0]
        reason = problem.get("ctx", {}).get("error") or problem["msg"].lower()
        where = ".".join(map(str, problem["loc"]))
        raise ValueError(f"{key}: {where and where + ': '}{reason}") from None
    if isinstance(value, Range):
        return value
    if not isinstance(value, list | tuple):
        raise ValueError(f"{key}: {value!r} is one value; write LOW..HIGH or a list of values")
    different = {json.dumps(one, sort_keys=True, default=str) for one in value}
    if len(value) < 2 or len(different) < len(value):
        raise ValueError(f"{key}: {list(value)} are not two or more different values")
    return tuple(value)


def _check_words(key: str, table: Mapping[str, Any]) -> None:
    for word in set(table) - set(Range.model_fields):
        raise ValueError(f"{key}: a range has no '{word}'{nearest(word, Range.model_fields)}")


def _read(text: str) -> Any:
    """Return what text says: ``LOW..HIGH``, with ``:log`` or ``:STEP``; or values with commas."""
    found = _RANGE.fullmatch(text)
    if found:
        low, high, more = found.groups()
        step = None if more in (None, "log") else float(more)
        return {"low": float(low), "high": float(high), "log": more == "log", "step": step}
    if text.strip().startswith("["):
        try:
            return tomllib.loads(f"values = {text}")["values"]
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"'{text}' is no list of values: {error}") from None
    return [_value(word.strip()) for word in text.split(",") if word.strip()]


def _value(word: str) -> Any:
    try:
        return tomllib.loads(f"value = {word}")["value"]
    except tomllib.TOMLDecodeError:
        return word

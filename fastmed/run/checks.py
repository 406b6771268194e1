"""Whether the files of a run folder are as fastmed writes them; a run may come from anywhere."""

from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from fastmed.errors import RunError, listed
from fastmed.files import leads_out, read_info

SEARCH_FILE = "search.json"


_Positive = Annotated[FiniteFloat, Field(gt=0)]
_Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=0)]


class _Calibration(BaseModel):
    """What turns outputs into probabilities."""

    model_config = ConfigDict(extra="allow", strict=True)

    temperature: FiniteFloat = Field(1.0, ge=0.01, le=100)
    weights: list[_Positive] | None = None
    shares: list[_Share] | None = None
    n: _Count
    rows_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class _OperatingPoint(BaseModel):
    """A threshold, and what it found where it was fitted."""

    model_config = ConfigDict(extra="allow", strict=True)

    of_class: str = Field(alias="class")
    rule: str
    threshold: _Share
    found: _Count
    positives: _Count
    cleared: _Count
    negatives: _Count


class _Fitted(BaseModel):
    """What is fitted with the weights of one epoch."""

    model_config = ConfigDict(extra="allow", strict=True)

    inputs: dict[str, str] = Field(default_factory=dict)
    cut_points: list[FiniteFloat] = Field(default_factory=list)
    scale: FiniteFloat = Field(1.0, gt=0)
    calibration: _Calibration | None = None
    operating_points: list[_OperatingPoint] = Field(default_factory=list)
    likeness: dict[str, Any] | None = None


class _Info(_Fitted):
    """What ``run.json`` holds of what is counted with."""

    created: str = ""
    status: str = ""
    data: str = "."
    data_root: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    mean: list[FiniteFloat] = Field([0.0], min_length=1, max_length=3)
    std: list[FiniteFloat] = Field([1.0], min_length=1, max_length=3)
    best_epoch: int | None = None
    workers: int | None = None
    cache: bool = True
    track: list[str] = Field(default_factory=list)
    epochs: dict[str, _Fitted] = Field(default_factory=dict)


def read_run_info(file: Path) -> dict[str, Any]:
    """Return the content of ``run.json``.

    Raises:
        RunError: it can't be read, or a value is not of its kind.
    """
    info = read_info(file)
    check_content(_Info, info, file)
    return info


def check_content(model: type[BaseModel], content: object, file: Path) -> None:
    """Refuse what a file holds if it is not as a model says.

    Raises:
        RunError: says where the first value of another kind is.
    """
    try:
        model.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise RunError(
            f"{file} is not as fastmed writes it: {where}, {problem['msg'].lower()}"
        ) from None


def check_items(items: pd.DataFrame, file: Path) -> None:
    """Refuse a table that is none of items, or that leads out of the data folder."""
    missing = [name for name in ("item", "image", "target", "split") if name not in items.columns]
    if missing:
        raise RunError(f"{file} has no column {listed(missing)}: it is not a whole run")
    for image in items["image"]:
        if PurePosixPath(image).is_absolute() or ".." in PurePosixPath(image).parts:
            raise RunError(f"{file}: '{image}' leads out of the data folder")


def best_of_search(search: Path) -> Path:
    """Return the folder of the best run of a search.

    Raises:
        RunError: no run of it is finished, or the best one is on another machine.
    """
    best = read_info(search / SEARCH_FILE).get("best")
    if not isinstance(best, str) or leads_out(best):
        raise RunError(
            f"the search {search} has no finished run; `fastmed resume {search}` goes on"
        )
    if not (search / best / "run.json").is_file():
        raise RunError(
            f"the best run of {search}, {best}, is not here; train its settings with --tasks "
            f"{search / 'best.toml'}"
        )
    return search / best

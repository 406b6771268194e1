"""Whether what a run keeps is of the kinds that a card counts with; it may come from anywhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from fastmed.run.checks import check_content

Number = float | None
Table = dict[str, Any]


class _Kept(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Intervals(_Kept):
    level: Number = None
    resamples: int | None = None
    overall: dict[str, list[Number] | None] | None = None


class _Scores(_Kept):
    n: int = 0
    patients: int | None = None
    test_uses: int | None = None
    overall: dict[str, Number] | None = None
    per_class: dict[str, Table] | None = None
    confusion: list[list[int]] | None = None
    intervals: _Intervals | None = None


class _Calibration(_Kept):
    temperature: Number = None
    weights: list[Number] | None = None


class _Point(_Kept):
    of: str = Field("", alias="class")
    rule: str = ""


class _Finding(_Kept):
    id: str
    severity: str
    sentence: str = ""


class _Audit(_Kept):
    findings: list[_Finding] = []
    accepted: dict[str, str] = {}


class _Info(_Kept):
    parameters: int | None = None
    calibration: _Calibration | None = None
    operating_points: list[_Point] | None = None
    audit: _Audit | None = None


class _Row(_Kept):
    part: str
    score: str


class _Summary(_Kept):
    rows: list[_Row]


def check_info(info: Mapping[str, Any], file: Path) -> None:
    """Refuse the content of ``run.json`` if a card can't count with it."""
    check_content(_Info, dict(info), file)


def check_scores(scores: Mapping[str, Any], file: Path) -> None:
    """Refuse the content of ``scores.json`` if a card can't count with it."""
    for found in scores.values():
        check_content(_Scores, found, file)


def check_summary(rows: object, file: Path) -> None:
    """Refuse the content of ``summary.json`` if a card can't count with it."""
    check_content(_Summary, {"rows": rows}, file)

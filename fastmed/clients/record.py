"""A client report for machines, by the schema ``client-report.schema.json`` beside this file."""

import datetime
import json
from collections.abc import Hashable, Mapping
from importlib.resources import files
from typing import Any

import pandas as pd

import fastmed
from fastmed.clients.findings import Finding, Highest, reached
from fastmed.clients.model import Model, Tested, point_info, tested_of
from fastmed.explaining import Explanation
from fastmed.reporting.sections.verdict import RESEARCH
from fastmed.results.deciding.conformal import BETWEEN

SCHEMA, SCHEMA_VERSION = "fastmed-client-report", 1
SCHEMA_FILE = "client-report.schema.json"
Record = dict[str, Any]


def schema() -> Record:
    """Return the JSON Schema (2020-12) that every client report keeps to."""
    text = files("fastmed.clients").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    return dict(json.loads(text))


def head(kind: str, model: Model, method: str) -> Record:
    """Return what each file begins with: what it is, and what made it."""
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "fastmed": fastmed.__version__,
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "notice": RESEARCH,
        "heatmap_method": method,
        "model": _model(model),
    }


def _model(model: Model) -> Record:
    task = model.task
    return {
        "task": task.name,
        "title": task.title,
        "goal": task.goal,
        "classes": list(task.classes),
        "run": model.run.path.name,
        "epoch": model.run.epoch or model.run.info.get("best_epoch"),
        "trained": model.trained,
        "network": model.network,
        "weights_sha256": model.weights_sha256,
        "views": list(model.views),
        "average": model.average,
        "calibrated": model.calibrated,
        "calibration_images": model.calibration_images,
        "prevalence": None
        if model.calibration.prevalence is None
        else dict(zip(task.classes, model.calibration.prevalence.tolist(), strict=True)),
        "operating_point": None if model.point is None else point_info(model.point),
        "other_points": [point_info(one) for one in model.others],
        "set_coverage": model.coverage,
        "abstain": None if model.abstain is None else str(model.abstain),
        "tested": _tested(tested_of(model.story)),
    }


def _tested(found: Tested | None) -> Record | None:
    if found is None:
        return None
    return {
        "part": found.part,
        "optimistic": found.optimistic,
        "images": found.images,
        "patients": found.patients,
        "scores": {name: _interval(*one) for name, one in found.headlines.items()},
        "classes": {
            name: {rate: _interval(*one) for rate, one in rates.items()}
            for name, rates in found.classes.items()
        },
    }


def _interval(value: float | None, limits: Any) -> Record:
    low, high = limits or (None, None)
    return {"value": value, "low": low, "high": high}


def client_record(
    name: str,
    images: list[Record],
    unreadable: list[tuple[str, str]],
    patients: int | None,
    summary: Record | None,
) -> Record:
    """Return one client: the images, those that can't be read, and what they say together."""
    return {
        "name": name,
        "patients": patients,
        "summary": summary,
        "images": images,
        "unreadable": [{"image": image, "reason": reason} for image, reason in unreadable],
    }


def summary_record(finding: Finding, table: pd.DataFrame, model: Model) -> Record:
    """Return what the images of a client say together."""
    points = [
        {"class": one.rule.positive, "rule": one.rule.text, "threshold": one.threshold,
         "images": reached(table, one, model.task)}
        for one in model.others
    ]  # fmt: skip
    return {
        "images": len(table),
        "predicted": finding.predicted,
        "probabilities": finding.probabilities,
        "highest": {name: _highest(one) for name, one in finding.highest.items()},
        "counts": finding.counts,
        "value": finding.value,
        "highest_value": _highest(finding.highest_value, "value"),
        "flagged": finding.flagged,
        "reached": points,
        "unlike": finding.unlike,
    }


def _highest(one: Highest | None, name: str = "probability") -> Record | None:
    return None if one is None else {name: one.probability, "image": one.image}


def image_record(
    name: str, item: Mapping[Hashable, Any], one: Explanation, heatmap: str, model: Model
) -> Record:
    """Return one image: what was predicted, in what it is strange, and where its heat map is.

    Args:
        name: of the image, within the folder of the client.
        item: its row of the items table.
        one: its explanation, with its prediction.
        heatmap: its figure, below the folder of the client.
        model: that predicted.
    """
    task, place, row = model.task, one.hottest, one.prediction
    return {
        "image": name,
        "content_sha256": item["content"] or None,
        "predicted": row["predicted"],
        "probability": row[f"score_{row['predicted']}"],
        "probabilities": {name: row[f"score_{name}"] for name in task.classes},
        "value": row.get("value"),
        "grade": row.get("grade"),
        "spread": row.get("spread"),
        "flagged": row.get("flagged"),
        "set": _classes_of(row["set"]) if "set" in row else None,
        "abstained": row.get("abstained"),
        "unlike": row.get("unlike"),
        "distance": row.get("distance"),
        "metadata": {name: _known(item.get(f"meta_{name}")) for name in task.meta},
        "heatmap": heatmap,
        "explained": one.explained,
        "hottest": None if place is None else {"row": place[0], "column": place[1]},
        "beside": one.beside,
    }


def _classes_of(names: str) -> list[str]:
    return names.split(BETWEEN) if names else []


def _known(value: Any) -> Any:
    return None if value is None or value == "" or value != value else value  # noqa: PLR0124

"""What an exported file says of itself: its inputs and outputs, and what is not in it."""

import hashlib
import json
from typing import Any

from fastmed import __version__
from fastmed.documents.blanks import NOTICE
from fastmed.errors import FastmedError
from fastmed.exporting.known import described
from fastmed.exporting.parity import Check
from fastmed.exporting.whole import IMAGES, Whole
from fastmed.learn.input.statistics import Statistics
from fastmed.network_files import is_code
from fastmed.reporting.model_card import markdown_of
from fastmed.reporting.story import tell
from fastmed.results.calibration.probabilities import Calibration
from fastmed.run import Run

FORMAT, VERSION = "fastmed-export", 1
ABOUT, CARD, CLASSES = "fastmed.json", "MODEL_CARD.md", "classes.json"
_READING = ("window", "scale", "percentiles", "value_range", "frame", "transparency")
_INSIDE = ("size", "channels", "fit", "resize", "interpolation")


def texts_of(run: Run, about: dict[str, Any]) -> dict[str, str]:
    """Return what is put into a file beside the network: name -> text."""
    return {
        ABOUT: json.dumps(about, indent=2, ensure_ascii=False),
        CLASSES: json.dumps(list(run.task.classes), ensure_ascii=False),
        CARD: card_of(run),
    }


def card_of(run: Run) -> str:
    """Return the model card of a run; of one that can't be told, its notice."""
    try:
        return markdown_of(tell(run.path))
    except FastmedError:
        return f"{NOTICE}\n"


def about(  # noqa: PLR0917
    run: Run,
    whole: Whole,
    statistics: Statistics,
    calibration: Calibration,
    precision: str,
    check: Check,
) -> dict[str, Any]:
    """Return all that a program has to know of a file, ready for JSON; no file is named in it."""
    task, image = run.task, run.task.image.model_dump(mode="json")
    return {
        "format": FORMAT,
        "format_version": VERSION,
        "notice": NOTICE,
        "made_with": {"fastmed": __version__, "torch": run.info.get("versions", {}).get("torch")},
        "task": {"name": task.name, "title": task.title, "goal": task.goal},
        "network": task.train.arch if not is_code(task.train.arch) else "own code",
        "weights_sha256": hashlib.sha256(run.weights.read_bytes()).hexdigest(),
        "precision": precision,
        "classes": list(task.classes),
        "inputs": _inputs(whole, statistics),
        "outputs": _outputs(task.goal, len(task.classes)),
        "before": {} if task.metadata_only else _before(image),
        "inside": {
            **({} if task.metadata_only else _inside(image, whole, statistics)),
            **_decision(calibration),
        },
        "operating_points": run.info.get("operating_points", []),
        "check": {
            "images": check.images,
            "what": check.what,
            "largest_difference": check.difference,
            "changed_predictions": check.changed,
        },
    }


def _inputs(whole: Whole, statistics: Statistics) -> list[dict[str, Any]]:
    images = {
        "name": IMAGES,
        "type": "uint8",
        "shape": ["batch", "height", "width", 3],
        "meaning": "images of one size, red, green, blue; of a grey image three times the grey",
    }
    known = described(statistics.metadata) if statistics.metadata else []
    return [*([images] if IMAGES in whole.names else []), *known]


def _outputs(goal: str, classes: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "name": "probabilities",
            "type": "float32",
            "shape": ["batch", classes],
            "meaning": "of each class, calibrated as in the run",
        },
        {
            "name": "predicted",
            "type": "int64",
            "shape": ["batch"],
            "meaning": "the place of the decided class, from 0; not always the likeliest",
        },
    ]
    if goal == "grade":
        value = "the value that cut points turn into a grade"
        found += [
            {"name": "value", "type": "float32", "shape": ["batch"], "meaning": value},
            {"name": "grade", "type": "int64", "shape": ["batch"], "meaning": "as predicted"},
        ]
    return found


def _before(image: dict[str, Any]) -> dict[str, Any]:
    """Return what is done with a file before it is an input, in this order."""
    return {
        "reading": {
            "meaning": "upright (EXIF), 8 bits; more bits, DICOM and transparency by these rules",
            **{name: image[name] for name in _READING},
        },
        "operations": image["operations"],
    }


def _inside(image: dict[str, Any], whole: Whole, statistics: Statistics) -> dict[str, Any]:
    return {
        **{name: image[name] for name in _INSIDE},
        "mean": list(statistics.mean),
        "std": list(statistics.std),
        "views": list(whole.views),
        "average": whole.average,
    }


def _decision(calibration: Calibration) -> dict[str, Any]:
    names = ("temperature", "weights", "prevalence", "cut_points", "scale")
    found = {name: getattr(calibration, name) for name in names}
    return {
        name: value.tolist() if hasattr(value, "tolist") else value
        for name, value in found.items()
        if value is not None
    }

"""Tables of scores: for the terminal, for CSV files, and as one row."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from fastmed.results.intervals.wilson import LEVEL
from fastmed.results.scores.limits import METHODS
from fastmed.results.scores.names import LABELS, OF_CLASSES, OVERALL, PER_CLASS
from fastmed.settings.scores import REFERABLE

Scores = dict[str, Any]
Cell = str | float | int | None

FEW = 30  # patients of a class, below which its scores say little
COLUMNS = ("part", "score", "class", "value", "low", "high", "method", "n")
# Title -> what stands side by side: as much as fits into a hundred columns.
_BLOCKS = {
    "Each class against the rest": ("n", "sensitivity", "specificity", "auroc"),
    "Predictive values": ("ppv", "npv", "f1"),
    "At the prevalence elsewhere": ("ppv_deployed", "npv_deployed"),
    "Likelihood ratios": ("lr_positive", "lr_negative"),
    "Average precision beside prevalence": ("average_precision", "prevalence"),
    "Calibration": ("calibration_slope", "calibration_intercept", "ece"),
    "Net benefit": ("net_benefit", "net_benefit_all"),
}
_BARE = ("n", "prevalence")  # shown without an interval beside others


def interval_text(interval: object) -> str:
    """Return an interval as tables show it; ``-`` where there is none.

    A limit short of 0 or 1 is not rounded to it.
    """
    if not isinstance(interval, (list, tuple)):
        return "-"
    low, high = interval
    if low is not None and 0.9995 <= low < 1:
        low = 0.999
    if high is not None and 0 < high < 0.0005:
        high = 0.001
    return f"[{_limit(low)}, {_limit(high)}]"


def _limit(limit: float | None) -> str:
    return "∞" if limit is None else f"{limit:z.3f}"


def value_text(value: object, interval: object) -> str:
    """Return a value with its interval in one cell."""
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:z.3f} {interval_text(interval)}" if interval else f"{value:z.3f}"


def overall_table(scores: Scores) -> tuple[list[str], list[tuple[Cell, ...]]]:
    """Return columns and rows: each score of all classes together, with its interval."""
    values, limits = scores[OVERALL], scores.get("intervals", {}).get(OVERALL, {})
    rows: list[tuple[Cell, ...]] = [
        (LABELS[name], value, interval_text(limits.get(name))) for name, value in values.items()
    ]
    return ["score", "value", f"{LEVEL:.0%} interval"], rows


def class_tables(scores: Scores) -> Iterator[tuple[str, list[str], list[tuple[Cell, ...]]]]:
    """Yield title, columns and rows of tables that are narrow enough to be read, one row a class.

    The first says most.
    """
    limits = scores.get("intervals", {}).get(OF_CLASSES, {})
    every = scores[OF_CLASSES]
    for title, block in _BLOCKS.items():
        names = [name for name in block if any(name in every[one] for one in every)]
        asked = [one for one in every if any(name in every[one] for name in names)]
        if names:
            yield (
                title,
                ["class", *(LABELS[name] for name in names)],
                [(one, *_cells(every[one], limits.get(one, {}), names)) for one in asked],
            )


def referable_table(scores: Scores) -> tuple[list[str], list[tuple[Cell, ...]]] | None:
    """Return columns and rows of the referable grades against the others, if they are scored."""
    if REFERABLE not in scores:
        return None
    values, limits = scores[REFERABLE], scores.get("intervals", {}).get(REFERABLE, {})
    rows: list[tuple[Cell, ...]] = [
        (LABELS[name], values[name], interval_text(limits.get(name)))
        for name in PER_CLASS
        if name in values
    ]
    return ["score", "value", f"{LEVEL:.0%} interval"], rows


def _cells(values: Mapping[str, Any], limits: Mapping[str, Any], names: list[str]) -> list[Cell]:
    return [
        values.get(name) if name in _BARE else value_text(values.get(name), limits.get(name))
        for name in names
    ]


def methods_text(scores: Scores) -> str:
    """Return which methods the intervals of some scores were made by."""
    used = [method for _, _, _, method in _leaves(scores) if method]
    told = [METHODS[method] for method in METHODS if method in used]
    return "; ".join(told)


def few_patients(scores: Scores) -> list[str]:
    """Return a sentence for the classes that have few patients; none without."""
    found = {name: one.get("patients", one["n"]) for name, one in scores[OF_CLASSES].items()}
    rare = [f"'{name}' ({count})" for name, count in found.items() if count < FEW]
    if not rare:
        return []
    return [
        f"Fewer than {FEW} patients of {', '.join(rare)}: their scores, and means over the "
        "classes, say little"
    ]


def long_table(parts: Mapping[str, Scores]) -> pd.DataFrame:
    """Return every score of some parts, a row each, with the columns `COLUMNS`.

    ``class`` is empty for all classes together, and ``n`` the number of images that the score is
    of: of the class, or of all.
    """
    every = dict(_with_patients(parts))
    rows = [
        (part, *address, value, *(limits or (None, None)), method or "", _images(scores, address))
        for part, scores in every.items()
        for address, value, limits, method in _leaves(scores)
    ]
    for part, scores in parts.items():
        rows += _rows_of_subgroups(part, scores)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows_of_subgroups(part: str, scores: Scores) -> Iterator[tuple[Any, ...]]:
    for column, found in scores.get("subgroups", {}).items():
        for group in found["groups"]:
            for address, own in group["scores"].items():
                where, _, name = address.rpartition("/")
                limits = own["interval"] or (None, None)
                one = where.partition("/")[2] or where * (where != OVERALL)
                place = f"{part} {column}={group['name']}"
                yield place, name, one, own["value"], *limits, own["method"] or "", group["n"]


def _with_patients(parts: Mapping[str, Scores]) -> Iterator[tuple[str, Scores]]:
    """Yield each part, and after it the scores of its patients if there are any."""
    for part, scores in parts.items():
        yield part, scores
        if "per_patient" in scores:
            yield f"{part} per patient", scores["per_patient"]


def _images(scores: Scores, address: tuple[str, str]) -> int:
    name = address[1]
    if not name:
        return int(scores["n"])
    own = scores[OF_CLASSES].get(name) or scores.get(REFERABLE, {})
    return int(own["n"])


def _leaves(scores: Scores) -> Iterator[tuple[tuple[str, str], Any, Any, str | None]]:
    """Yield score and class, value, interval and method of each number that is a score."""
    intervals, methods = scores.get("intervals", {}), scores.get("methods", {})
    places: list[tuple[tuple[str, ...], str]] = [((OVERALL,), "")]
    places += [((OF_CLASSES, name), name) for name in scores[OF_CLASSES]]
    places += [((REFERABLE,), REFERABLE)] if REFERABLE in scores else []
    for path, name in places:
        values, limits, how = scores, intervals, methods
        for step in path:
            values, limits, how = values[step], limits.get(step, {}), how.get(step, {})
        for one in values:
            if one in LABELS and one != "n":
                yield (one, name), values[one], limits.get(one), how.get(one)


def flat(scores: Scores) -> dict[str, float | int | None]:
    """Return one level of names for a row of a CSV file: ``accuracy``, ``sensitivity_COVID``."""
    per_class = {
        f"{column}_{name}": value
        for name, values in scores[OF_CLASSES].items()
        for column, value in values.items()
    }
    return {"n": scores["n"], **scores[OVERALL], **per_class}

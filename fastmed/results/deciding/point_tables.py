"""What stored thresholds find in a part, as rows of a table."""

from collections.abc import Iterator
from typing import Any

from fastmed.results.intervals.wilson import wilson

POINT_COLUMNS = ("class", "rule", "threshold", "sensitivity", "specificity")


def points_table(scores: dict[str, Any]) -> Iterator[tuple[str | float, ...]]:
    """Yield the rows of `POINT_COLUMNS`, with 95% intervals (Wilson) of images."""
    for point in scores["operating_points"]:
        yield (
            point["class"],
            point["rule"],
            point["threshold"],
            _share(point["found"], point["positives"]),
            _share(point["cleared"], point["negatives"]),
        )


def _share(hits: int, count: int) -> str:
    if not count:
        return "-"
    low, high = wilson(hits, count)
    return f"{hits / count:.3f} [{low:.3f}, {high:.3f}]"

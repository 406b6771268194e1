"""What ``fastmed compare`` prints."""

from fastmed.console import note, print_table, warn
from fastmed.results.comparison.comparing import Comparison, Difference, less_is_better, told
from fastmed.results.scores.tables import interval_text
from fastmed.results.words import chance_text, signed_text

_WIDTH = 100
_TESTS = {"mcnemar": "McNemar", "delong": "DeLong", "bootstrap": "bootstrap"}


def print_comparison(found: Comparison) -> None:
    """Print a table for each pair of runs: both values, the difference, its interval, and p."""
    if found.part == "valid":
        warn("The validation part chose the epochs, so its differences are no evidence")
    images = f"{found.images} images"
    if found.patients != found.images:
        images += f" of {found.patients} patients"
    for run, against in found.pairs:
        rows = [_row(one) for one in found.of(run, against)]
        holm = any(one.p_holm is not None for one in found.differences)
        columns = ["score", against, run, "difference", "95% interval", "p", "test"]
        columns += ["p by Holm"] * holm
        title = f"{run} against {against}, {found.part}, {images}"
        print_table(title, columns, [row[: len(columns)] for row in rows], width=_WIDTH)
    fewer = [told(one.address) for one in found.of(*found.pairs[0]) if less_is_better(one.address)]
    note(f"Less is better of {', '.join(fewer)}." if fewer else "More is better.")
    note("Intervals: the same patients, resampled, for both runs.")


def _row(one: Difference) -> list[str]:
    values = (_number(one.other), _number(one.value), signed_text(one.difference))
    return [
        told(one.address),
        *values,
        interval_text(one.interval),
        chance_text(one.p),
        _TESTS.get(one.test, "-"),
        chance_text(one.p_holm),
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:z.3f}"

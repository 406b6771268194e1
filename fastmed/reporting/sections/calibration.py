"""Calibration and decisions: how far probabilities can be trusted, and what thresholds find."""

from collections.abc import Iterator

import numpy as np

from fastmed.page.document import Chart, Section, Sheet
from fastmed.reporting.drawing import chart_of, folded, sheet
from fastmed.reporting.story import Story
from fastmed.reporting.words import percent
from fastmed.results.deciding.point_tables import POINT_COLUMNS, points_table
from fastmed.results.scores.calibration import net_benefit
from fastmed.results.scores.tables import value_text

_THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.5)


def calibration(story: Story) -> Section | None:
    """Return reliability, decision curve, abstention and operating points; None without scores."""
    if not story.scores:
        return None
    return Section(
        "calibration", "Calibration and decisions", list(_sentences(story)),
        tables=list(_tables(story)), charts=list(_charts(story)),
    )  # fmt: skip


def _sentences(story: Story) -> Iterator[str]:
    told = story.card["decision"]
    fitted = told["calibration"]
    if fitted and fitted["temperature"]:
        yield (
            f"Probabilities were calibrated on {fitted['n']} images of the validation part "
            f"(temperature {fitted['temperature']:.3g})."
        )
    elif told["scale"] is not None:
        yield "Probabilities of grades follow from the network's value by a scale fitted on valid."
    elif story.card["family"]:
        yield "Each run of the family is calibrated on its own validation part."
    else:
        yield "Probabilities are the network's own, and were not calibrated."
    yield (
        "A probability can be trusted if, of the images with about this probability, as many are "
        "of the class: the closer to the dotted line, the better."
    )


def _tables(story: Story) -> Iterator[Sheet]:
    if story.scores.get("operating_points"):
        rows = [[value_text(cell, None) for cell in row] for row in points_table(story.scores)]
        caption = (
            "What thresholds, fitted on the validation part, find here; 95% intervals (Wilson)"
        )
        yield sheet("operating_points", POINT_COLUMNS, rows, caption, words=(1,))


def _charts(story: Story) -> Iterator[Chart]:
    decisions = story.decisions
    if decisions is None:
        return
    makers = decisions.figures()
    n = len(decisions.true)
    yield chart_of(
        makers["reliability"](), f"Reliability of the probabilities of {n} images.",
        sheet=_reliability(story),
    )  # fmt: skip
    yield chart_of(
        makers["decision_curve"](), "Net benefit of acting on the probability, by threshold.",
        text="Net benefit: cases found, less false alarms weighed by the threshold. The model "
        "helps where its line is above both others.",
        sheet=_benefit(story),
    )  # fmt: skip
    yield chart_of(
        makers["risk_coverage"](), "Share of mistakes as the least certain images are left out.",
        text="If the least certain images are left to a reader, the rest has fewer mistakes.",
        sheet=_abstention(story),
    )  # fmt: skip
    if "operating_points" in makers and story.scores.get("operating_points"):
        yield chart_of(makers["operating_points"](), "Stored thresholds on the ROC curves.")


def _reliability(story: Story) -> Sheet:
    names = ("ece", "calibration_slope", "calibration_intercept")
    rows = [
        [name, *(value_text(*story.class_score(name, one)) for one in names)]
        for name in story.task.classes
    ]
    return folded("reliability", ["class", "ECE", "slope", "intercept"], rows)


def _benefit(story: Story) -> Sheet | None:
    decisions = story.decisions
    if decisions is None:
        return None
    rows = []
    for place, name in enumerate(story.task.classes):
        positive: np.ndarray = decisions.true == place
        found = [net_benefit(positive, decisions.scores[:, place], at) for at in _THRESHOLDS]
        rows.append([name, *(f"{one.model:z.3f} ({one.treat_all:z.3f})" for one in found)])
    columns = ["class", *(f"from {at:g}" for at in _THRESHOLDS)]
    return folded("net_benefit", columns, rows, "Numbers: the model's (all treated)")


def _abstention(story: Story) -> Sheet | None:
    shares = (story.scores.get("abstention") or {}).get("shares")
    if not shares:
        return None
    rows = [
        [percent(one["share"]), one["abstained"], percent(one["risk"]),
         percent(one["risk_with_abstained"])]
        for one in shares
    ]  # fmt: skip
    return folded("abstention", ["left to a reader", "images", "mistakes on the rest",
                                 "mistakes if these count as wrong"], rows)  # fmt: skip

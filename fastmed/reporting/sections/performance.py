"""The performance: every score with its interval, and the figures that show where it comes from."""

from collections.abc import Iterator

import pandas as pd

from fastmed.page.document import Chart, Section, Sheet
from fastmed.reporting.drawing import chart_of, folded, sheet
from fastmed.reporting.sections.verdict import without_scores
from fastmed.reporting.story import Story
from fastmed.reporting.words import PLAIN, amount, count, percent, plain_number
from fastmed.results.calibration.fitted import fitted_of
from fastmed.results.figures.confused import confused_pairs_figure
from fastmed.results.figures.predictions import (
    confusion_figure,
    grade_scatter_figure,
    per_class_figure,
    precision_recall_figure,
    prediction_distribution_figure,
    roc_figure,
    score_histogram_figure,
)
from fastmed.results.scores.confusion import PAIRS, confused_pairs
from fastmed.results.scores.names import LABELS
from fastmed.results.scores.tables import (
    class_tables,
    few_patients,
    methods_text,
    overall_table,
    referable_table,
    value_text,
)

_RATES = ("sensitivity", "specificity")


def performance(story: Story) -> Section:
    """Return the scores of the part, and of the other evaluated sets in short."""
    if not story.scores:
        return Section("performance", "Performance", [without_scores(story)])
    return Section(
        "performance", "Performance", list(_sentences(story)), tables=list(_tables(story)),
        charts=list(_charts(story)),
    )  # fmt: skip


def _sentences(story: Story) -> Iterator[str]:
    scores = story.scores
    yield f"Of {amount(story.amounts)} ({story.label})."
    yield f"Each image is decided by {story.card['decision']['rule']}."
    how = methods_text(scores)
    if how:
        yield f"Intervals: {how}."
    uses = scores.get("test_uses")
    if uses:
        yield f"These images have judged {count(uses, 'time')} so far; each look makes them milder."
    yield from (f"{told}." for told in few_patients(scores))


def _tables(story: Story) -> Iterator[Sheet]:
    scores = story.scores
    names = [name for name in scores["overall"] if name in LABELS]
    columns, rows = overall_table(
        {**scores, "overall": {name: scores["overall"][name] for name in names}}
    )
    told = [[*_cells(row), PLAIN.get(name, "")] for name, row in zip(names, rows, strict=True)]
    caption = "All classes together"
    yield sheet("overall", [*columns, "what it says"], told, caption, words=(3,))
    for title, names_of, cells in class_tables(scores):
        own = sheet(title, names_of, [_cells(row) for row in cells], title)
        yield (
            own
            if title == "Each class against the rest"
            else own._replace(folded=True, summary=title)
        )
    referable = referable_table(scores)
    if referable:
        yield sheet("referable", referable[0], [_cells(row) for row in referable[1]],
                    "Referable grades against the others")  # fmt: skip
    yield from _others(story)


def _others(story: Story) -> Iterator[Sheet]:
    """Yield the headline scores of every evaluated set, side by side."""
    sets = story.card["results"]["sets"]
    if len(sets) < 2:
        return
    names = story.headlines
    rows = []
    for label, one in sets.items():
        limits = (one["intervals"] or {}).get("overall") or {}
        shown = [plain_number((one["overall"] or {}).get(name), limits.get(name)) for name in names]
        rows.append([label, one["n"], one["patients"], *shown])
    columns = ["set", "images", "patients", *(LABELS[name] for name in names)]
    yield sheet(
        "sets", columns, rows, "All evaluated sets; valid chose the model, so is optimistic"
    )


def _cells(row: tuple[object, ...]) -> list[str]:
    return [value_text(cell, None) for cell in row]


def _charts(story: Story) -> Iterator[Chart]:
    scores, classes = story.scores, list(story.task.classes)
    n = scores["n"]
    rows = [[name, *counts] for name, counts in zip(classes, scores["confusion"], strict=True)]
    yield chart_of(
        confusion_figure(scores), f"Confusion matrix of {n} images: rows are true classes.",
        text="How often each true class (row) was taken for each class (column).",
        sheet=folded("confusion", ["true class", *(f"as {name}" for name in classes)], rows),
    )  # fmt: skip
    yield from _confused(story)
    rates = [
        [name, *(value_text(*story.class_score(name, rate)) for rate in _RATES)]
        for name in classes
    ]  # fmt: skip
    alt = f"Sensitivity and specificity of each class with intervals, {n} images."
    numbers = folded("rates", ["class", "sensitivity", "specificity"], rates)
    yield chart_of(per_class_figure(scores), alt, sheet=numbers)
    if story.predictions is not None and len(story.predictions):
        yield from _from_predictions(story, story.predictions)


def _confused(story: Story) -> Iterator[Chart]:
    """Yield the most confused pairs, if any image is classified wrong."""
    pairs = confused_pairs(story.scores)[:PAIRS]
    if not pairs:
        return
    rows = [[f"{one.true} as {one.predicted}", one.images, percent(one.share)] for one in pairs]
    yield chart_of(
        confused_pairs_figure(story.scores), "Most confused pairs of classes, with counts.",
        text="The most frequent mistakes first; Errors shows examples.",
        sheet=folded("confused", ["confused", "images", "of the true class"], rows),
    )  # fmt: skip


def _from_predictions(story: Story, table: pd.DataFrame) -> Iterator[Chart]:
    classes = story.task.classes
    names = ("auroc", "average_precision")
    areas = [[name, *(value_text(*story.class_score(name, one)) for one in names)]
             for name in classes]  # fmt: skip
    yield chart_of(
        roc_figure(table, classes, story.scores), f"ROC curves of {len(classes)} classes.",
        text="ROC curves: how many of a class are found (up) at the price of how many false alarms "
        "among the others (across). The band is where the curve may as well lie, point by point.",
    )  # fmt: skip
    yield chart_of(
        precision_recall_figure(table, classes, story.scores),
        f"Precision and recall of {len(classes)} classes.",
        text="Precision and recall: of the images that are said to be of the class, how many are "
        "(up), as more of them are to be found (across). The dashed line is guessing; it lies "
        "where the class is frequent here, so the curve holds for this frequency alone.",
        sheet=folded("areas", ["class", "AUROC", "average precision"], areas),
    )  # fmt: skip
    yield chart_of(
        score_histogram_figure(table, classes), "Scores of each class by true class.",
        text="Scores: a class is told apart well if its own images (blue) score high and all "
        "others (grey) low.",
    )  # fmt: skip
    counts = [
        [name, int((table["target"] == name).sum()), int((table["predicted"] == name).sum())]
        for name in classes
    ]  # fmt: skip
    yield chart_of(
        prediction_distribution_figure(table, classes), "How often classes are true and predicted.",
        sheet=folded("distribution", ["class", "true", "predicted"], counts),
    )  # fmt: skip
    if story.task.goal == "grade" and "value" in table and story.subject.kind == "run":
        points = fitted_of(story.run).cut_points
        if points is not None:
            told = [
                [f"{a} | {b}", f"{point:z.3f}"]
                for a, b, point in zip(classes, classes[1:], points, strict=False)
            ]
            yield chart_of(
                grade_scatter_figure(table, classes, points),
                "The network's value of each image by its true grade, with the cut points.",
                sheet=folded("cut_points", ["between", "cut point"], told),
            )  # fmt: skip

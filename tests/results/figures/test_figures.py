from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from fastmed.errors import DataError
from fastmed.grades import grade_scores, round_points, to_grades
from fastmed.results.figures.predictions import (
    class_count_figure,
    confusion_figure,
    grade_scatter_figure,
    per_class_figure,
    prediction_distribution_figure,
)
from fastmed.results.scores import score

TWO = ["false", "true"]
THREE = ["Normal", "Lung Opacity", "No Lung Opacity / Not Normal"]
NINE = ["ADI", "BACK", "DEB", "LYM", "MUC", "MUS", "NORM", "STR", "TUM"]
ODD = [r"$\broken{ formula$", "x^2_<b>[bold]</b>", "Adenocarcinoma_in_situ_" * 6, "a" * 90]
GRADES = ["No DR", "Mild", "Moderate", "Severe", "Proliferative DR"]


def made_predictions(classes, n=120, seed=0):
    rng = np.random.default_rng(seed)
    true = rng.integers(0, len(classes), n)
    raw = rng.gamma(1.0, size=(n, len(classes)))
    raw[np.arange(n), true] += 2 * rng.random(n)
    scores = raw / raw.sum(axis=1, keepdims=True)
    names = np.array(classes, dtype=object)
    table = pd.DataFrame({"item": [f"{row}.png" for row in range(n)], "group": ""})
    table["target"], table["predicted"] = names[true], names[scores.argmax(axis=1)]
    table[[f"score_{name}" for name in classes]] = scores
    return table


def made_grades(n=80, seed=0):
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 5, n)
    values = true + rng.normal(0, 0.5, n)
    cut_points = round_points(5)
    names = np.array(GRADES, dtype=object)
    table = pd.DataFrame({"item": [f"{row}.png" for row in range(n)], "group": ""})
    table["target"], table["value"] = names[true], values
    table["predicted"] = names[to_grades(values, cut_points)]
    table[[f"score_{name}" for name in GRADES]] = grade_scores(values, cut_points, 0.3)
    return table


def counts_by_part(classes):
    numbers = np.arange(1, 3 * len(classes) + 1).reshape(len(classes), 3)
    return pd.DataFrame(numbers, index=classes, columns=["train", "valid", "test"])


def every_figure(classes):
    table = made_predictions(classes)
    scores = score(table, classes, "category")
    return [
        confusion_figure(scores),
        per_class_figure(scores),
        prediction_distribution_figure(table, classes),
        class_count_figure(counts_by_part(classes)),
    ]


def shown(figure):
    return [axes for axes in figure.axes if axes.get_visible()]


def tick_names(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def assert_nothing_is_cut_off(figure: Figure) -> None:
    """All that is drawn lies within the figure."""
    figure.draw_without_rendering()
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(drawn.x0, drawn.y0) >= 0
    assert drawn.x1 <= width
    assert drawn.y1 <= height


@pytest.mark.parametrize("classes", [TWO, THREE, NINE, ODD, GRADES], ids=len)
def test_every_text_is_whole(classes):
    for figure in every_figure(classes):
        assert_nothing_is_cut_off(figure)


@pytest.mark.parametrize("classes", [TWO, THREE, NINE, ODD, GRADES], ids=len)
def test_class_names_below_a_confusion_matrix_do_not_overlap(classes):
    figure = confusion_figure(score(made_predictions(classes), classes, "category"))
    figure.draw_without_rendering()
    labels = figure.axes[0].get_xticklabels()
    boxes = [label.get_window_extent() for label in labels]
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))


@pytest.mark.parametrize("classes", [TWO, THREE, NINE], ids=len)
def test_confusion_figure_writes_counts_and_shares(classes):
    scores = score(made_predictions(classes), classes, "category")
    (axes,) = confusion_figure(scores).axes
    written = [text.get_text() for text in axes.texts]
    counts = np.array(scores["confusion"])
    shares = counts / counts.sum(axis=1, keepdims=True)
    cells = zip(counts.flat, shares.flat, strict=True)
    assert written == [f"{count}\n{share:.0%}" for count, share in cells]
    np.testing.assert_allclose(axes.images[0].get_array(), shares)
    assert len(axes.patches) == len(classes)
    ends = [f"\nn = {total}" for total in counts.sum(axis=1)]
    assert all(map(str.endswith, tick_names(axes.yaxis), ends))


def test_confusion_figure_of_a_class_without_images():
    table = made_predictions(THREE)
    table = table[table["target"] != "Normal"]
    (axes,) = confusion_figure(score(table, THREE, "category")).axes
    assert [text.get_text() for text in axes.texts[:3]] == ["0", "0", "0"]


def test_per_class_figure_places_the_rates():
    scores = score(made_predictions(THREE), THREE, "category")
    (axes,) = per_class_figure(scores).axes
    lines = {line.get_label(): line for line in axes.lines}
    for rate in ("sensitivity", "specificity"):
        expected = [scores["per_class"][name][rate] for name in THREE]
        np.testing.assert_allclose(lines[rate].get_xdata(), expected)
    assert axes.yaxis_inverted()
    assert not axes.texts


def test_per_class_figure_says_what_can_not_be_estimated():
    table = made_predictions(THREE)
    table = table[table["target"] != "Lung Opacity"]
    (axes,) = per_class_figure(score(table, THREE, "category")).axes
    (text,) = axes.texts
    assert text.get_text() == "sensitivity not estimable"
    assert text.get_position()[1] == 1


def test_prediction_distribution_counts_true_and_predicted():
    table = made_predictions(THREE)
    (axes,) = prediction_distribution_figure(table, THREE).axes
    drawn = [[bar.get_width() for bar in bars] for bars in axes.containers]
    assert drawn[0] == [(table["target"] == name).sum() for name in THREE]
    assert drawn[1] == [(table["predicted"] == name).sum() for name in THREE]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["true", "predicted"]


def test_prediction_distribution_without_labels():
    table = made_predictions(THREE).assign(target="")
    (axes,) = prediction_distribution_figure(table, THREE).axes
    (bars,) = axes.containers
    assert sum(bar.get_width() for bar in bars) == len(table)


def test_grade_scatter_shows_each_image_once_at_its_grade():
    table = made_grades()
    figure = grade_scatter_figure(table, GRADES, round_points(5))
    (axes,) = figure.axes
    right, wrong = axes.lines
    hits = table["target"] == table["predicted"]
    assert len(right.get_xdata()) == hits.sum()
    assert len(wrong.get_xdata()) == (~hits).sum()
    np.testing.assert_allclose(right.get_ydata(), table.loc[hits, "value"])
    places = [GRADES.index(name) for name in table.loc[hits, "target"]]
    np.testing.assert_array_equal(np.round(right.get_xdata()), places)
    heights = [segment[0, 1] for segment in axes.collections[0].get_segments()]
    np.testing.assert_allclose(heights, round_points(5))
    assert_nothing_is_cut_off(figure)


def test_grade_scatter_moves_names_of_close_cut_points_apart():
    figure = grade_scatter_figure(made_grades(), GRADES, np.array([1.0, 1.01, 1.02, 3.0]))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["1.00", "1.01", "1.02", "3.00"]
    boxes = [text.get_window_extent() for text in axes.texts]
    assert all(low.y1 <= high.y0 for low, high in pairwise(boxes))


def test_grade_scatter_keeps_far_values_at_the_edge():
    table = made_grades()
    table.loc[0, "value"] = 1e6
    (axes,) = grade_scatter_figure(table, GRADES, round_points(5)).axes
    assert axes.get_ylim()[1] < 7


def test_class_counts_of_each_part():
    counts = counts_by_part(THREE)
    axes = class_count_figure(counts).axes
    assert len(axes) == 3
    for one, part in zip(axes, counts.columns, strict=True):
        assert [bar.get_width() for bar in one.patches] == counts[part].tolist()
        assert one.get_title(loc="left") == f"{part}, n = {counts[part].sum()}"
    assert axes[0].texts[0].get_text() == "1 (8%)"
    assert tick_names(axes[0].yaxis)[0] == "Normal"
    assert tick_names(axes[1].yaxis) == ["", "", ""]


def test_parts_without_images_have_no_panel():
    counts = counts_by_part(TWO).assign(test=0, left_out=[0, 3])
    titles = [axes.get_title(loc="left") for axes in class_count_figure(counts).axes]
    assert titles == ["train, n = 5", "valid, n = 7", "left out, n = 3"]
    with pytest.raises(DataError, match="no labelled images"):
        class_count_figure(counts * 0)

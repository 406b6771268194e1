"""Figures of scores by class, of confused pairs and of the embedding map."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve
from test_figures import NINE, ODD, THREE, TWO, assert_nothing_is_cut_off, made_predictions

from fastmed.errors import DataError
from fastmed.results.figures.confused import confused_images_figure, confused_pairs_figure
from fastmed.results.figures.embedding import embedding_figure
from fastmed.results.figures.predictions import (
    precision_recall_figure,
    roc_figure,
    score_histogram_figure,
)
from fastmed.results.figures.score_curves import compared_roc_figure
from fastmed.results.figures.score_histograms import BINS
from fastmed.results.scores import score
from fastmed.results.scores.confusion import confused_pairs, examples_of
from fastmed.results.scores.sample import sample_of

FACTS = {"of": 120, "features": 512, "neighbours": 10, "agrees": 0.5, "by_chance": 0.3,
         "trustworthiness": 0.91}  # fmt: skip


def placed(classes, n=120):
    rng = np.random.default_rng(0)
    table = made_predictions(classes, n)
    table["x"], table["y"] = rng.normal(size=n) * 40, rng.normal(size=n) * 40
    return table


def shown(figure):
    return [axes for axes in figure.axes if axes.get_visible()]


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bands of few resamples are drawn as those of many."""
    monkeypatch.setattr("fastmed.results.scores.curves.RESAMPLES", 40)


@pytest.mark.parametrize("classes", [TWO, ODD, pytest.param(NINE, marks=pytest.mark.slow)], ids=len)
def test_every_text_is_whole(classes):
    table = placed(classes)
    table["loss"] = 1.0
    scores = score(table, classes, "category")
    pairs = confused_pairs(scores)[:2]
    rows = examples_of(table, pairs, 3)
    pictures = [[np.zeros((8, 8), np.uint8)] * len(one) for one in rows]
    for figure in (
        roc_figure(table, classes, scores),
        precision_recall_figure(table, classes, scores),
        score_histogram_figure(table, classes),
        confused_pairs_figure(scores),
        confused_images_figure(pairs, rows, pictures, classes, "Examples"),
        embedding_figure(table, classes, FACTS),
    ):
        assert_nothing_is_cut_off(figure)


@pytest.mark.parametrize("classes", [THREE, NINE], ids=len)
def test_roc_figure_has_a_curve_for_each_class(classes):
    table = made_predictions(classes)
    scores = score(table, classes, "category")
    panels = shown(roc_figure(table, classes, scores))
    assert len(panels) == len(classes)
    for axes, name in zip(panels, classes, strict=True):
        rates, limits = (one["per_class"][name] for one in (scores, scores["intervals"]))
        low, high = limits["auroc"]
        told = f"n = {rates['n']}\narea {rates['auroc']:.3f} [{low:.3f}, {high:.3f}]"
        assert axes.get_title(loc="left").endswith(told)
        expected = roc_curve(
            table["target"] == name, table[f"score_{name}"], drop_intermediate=False
        )
        line = next(one for one in axes.lines if one.get_label() == "area: AUROC")
        np.testing.assert_allclose(line.get_xdata(), expected[0])
        np.testing.assert_allclose(line.get_ydata(), expected[1])


def test_precision_recall_says_how_frequent_a_class_is():
    table = made_predictions(THREE)
    scores = score(table, THREE, "category")
    for axes, name in zip(shown(precision_recall_figure(table, THREE, scores)), THREE, strict=True):
        line = next(one for one in axes.lines if one.get_label() == "share of the class")
        assert line.get_ydata()[0] == pytest.approx((table["target"] == name).mean())
        value = scores["per_class"][name]["average_precision"]
        assert f"area {value:.3f} [" in axes.get_title(loc="left")


def test_bands_are_drawn_around_each_curve():
    table = made_predictions(THREE)
    for make in (roc_figure, precision_recall_figure):
        for axes in shown(make(table, THREE)):
            (band,) = axes.collections
            corners = band.get_paths()[0].vertices
            assert corners[:, 0].min() == 0
            assert corners[:, 0].max() == 1


def test_runs_are_compared_in_the_same_panels():
    tables = {"first": made_predictions(THREE), "second": made_predictions(THREE, seed=0)}
    names = [f"score_{name}" for name in THREE]
    noise = np.random.default_rng(1).random((120, 3))
    mixed = tables["second"][names] + noise
    tables["second"][names] = mixed.div(mixed.sum(axis=1), axis=0)
    samples = {name: sample_of(table, THREE, "category") for name, table in tables.items()}
    figure = compared_roc_figure(samples)
    assert_nothing_is_cut_off(figure)
    for axes, name in zip(shown(figure), THREE, strict=True):
        lines = {line.get_label(): line for line in axes.lines}
        for run, table in tables.items():
            expected = roc_curve(table["target"] == name, table[f"score_{name}"])
            np.testing.assert_allclose(lines[run].get_ydata(), expected[1])
        signs = {(line.get_color(), line.get_linestyle()) for line in lines.values()}
        assert len(signs) == 3


def test_of_two_classes_the_last_is_shown():
    table = made_predictions(TWO)
    for figure in (roc_figure(table, TWO), precision_recall_figure(table, TWO)):
        assert [axes.get_title(loc="left").split("\n")[0] for axes in shown(figure)] == ["true"]
    assert len(shown(score_histogram_figure(table, TWO))) == 1


def test_histograms_count_the_scores_of_each_true_class():
    table = made_predictions(THREE)
    axes = shown(score_histogram_figure(table, THREE))[1]
    name = THREE[1]
    for row, true in enumerate(THREE):
        own = table.loc[table["target"] == true, f"score_{name}"]
        counts, _ = np.histogram(own, BINS, (0, 1))
        heights = row - axes.patches[row].get_data().values
        np.testing.assert_allclose(heights / heights.max(), counts / counts.max())
    assert (
        f"n = {(table['target'] == THREE[0]).sum()}"
        in shown(score_histogram_figure(table, THREE))[0].get_yticklabels()[0].get_text()
    )


def test_a_class_without_images_is_said_to_be_empty():
    table = made_predictions(THREE)
    table = table[table["target"] != "Normal"]
    normal = shown(roc_figure(table, THREE))[0]
    assert normal.get_title(loc="left") == "Normal\nn = 0\nnot estimable"
    assert [line.get_label() for line in normal.lines] == ["by chance"]
    titles = [axes.get_title(loc="left") for axes in shown(precision_recall_figure(table, THREE))]
    assert ["not estimable" in title for title in titles] == [True, False, False]
    texts = [text.get_text() for text in shown(score_histogram_figure(table, THREE))[0].texts]
    assert texts == ["no images"]


def test_confused_pairs_are_bars_with_counts_and_shares():
    scores = score(made_predictions(THREE), THREE, "category")
    (axes,) = confused_pairs_figure(scores, 3).axes
    pairs = confused_pairs(scores)[:3]
    assert [bar.get_width() for bar in axes.patches] == [pair.images for pair in pairs]
    told = [text.get_text() for text in axes.texts]
    assert told == [f"{one.images} ({one.share:.0%} of {one.of})" for one in pairs]


def test_without_mistakes_the_figure_says_so():
    table = made_predictions(THREE)
    table["predicted"] = table["target"]
    scores = score(table, THREE, "category")
    (axes,) = confused_pairs_figure(scores).axes
    assert axes.texts[0].get_text() == "no image is classified wrong"
    with pytest.raises(DataError, match="none to show"):
        confused_images_figure([], [], [], THREE, "Examples")


def test_embedding_map_shows_right_wrong_and_others():
    table = placed(THREE)
    figure = embedding_figure(table, THREE, {**FACTS, "of": 500})
    assert "n = 120 of 500" in figure.get_suptitle()
    for axes, name in zip(shown(figure), THREE, strict=True):
        others, right, wrong = (len(line.get_xdata()) for line in axes.lines)
        own = table["target"] == name
        missed = (own & (table["predicted"] != name)).sum()
        assert (others, right, wrong) == ((~own).sum(), own.sum() - missed, missed)
        assert f"wrong {missed}" in axes.get_title(loc="left")

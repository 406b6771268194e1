import numpy as np
import pandas as pd
import pytest

from fastmed.errors import DataError
from fastmed.results.figures.study import (
    breakdown_figure,
    intensity_figure,
    samples_figure,
    size_figure,
)

LONG = "No Lung Opacity / Not Normal and $more_of^it"


def shown(figure):
    figure.draw_without_rendering()
    return [axes for axes in figure.axes if axes.get_visible()]


def counts_of(rows, classes):
    names = [f"group {number}" for number in range(len(rows))]
    return pd.DataFrame(rows, index=names, columns=classes)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_samples_stand_in_the_row_of_their_class():
    rng = np.random.default_rng(0)
    pictures = {
        "a": [rng.integers(0, 256, (8, 8), dtype=np.uint8) for _ in range(3)],
        LONG: [rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)],
    }
    panels = shown(samples_figure(pictures, {"a": 30, LONG: 1}))
    assert len(panels) == 4
    for panel, picture in zip(panels, [*pictures["a"], *pictures[LONG]], strict=True):
        np.testing.assert_array_equal(panel.images[0].get_array(), picture)
    assert panels[0].get_ylabel() == "a\nn = 30"
    assert r"\$more" in panels[3].get_ylabel()


def test_grey_samples_are_not_stretched():
    (panel,) = shown(samples_figure({"a": [np.full((4, 4), 9, np.uint8)]}, {"a": 1}))
    assert panel.images[0].get_clim() == (0, 255)


def test_class_without_samples_keeps_its_row():
    pictures = {"a": [np.zeros((4, 4), np.uint8)], "b": []}
    panels = shown(samples_figure(pictures, {"a": 1, "b": 0}))
    assert [panel.get_ylabel() for panel in panels] == ["a\nn = 1", "b\nn = 0"]


def test_no_samples_are_refused():
    with pytest.raises(DataError, match="no images to show"):
        samples_figure({"a": []}, {"a": 0})


@pytest.mark.parametrize("classes", [["a"], ["a", "b"], list("abcd"), list("abcdefghi")])
def test_breakdown_has_a_panel_a_class_and_writes_every_count(classes):
    rows = np.arange(3 * len(classes)).reshape(3, -1)
    figure = breakdown_figure(counts_of(rows, classes), "View")
    panels = shown(figure)
    assert len(panels) == len(classes)
    assert figure.get_suptitle() == f"View (n = {rows.sum()})"
    for place, (panel, name) in enumerate(zip(panels, classes, strict=True)):
        column = rows[:, place]
        told = [f"{n} ({n / column.sum():.0%})" if n else "0" for n in column]
        assert texts(panel) == told
        assert panel.get_title(loc="left") == f"{name}, n = {column.sum()}"
        widths = [bar.get_width() for bar in panel.patches]
        np.testing.assert_allclose(widths, column / column.sum())


def test_breakdown_of_a_class_without_images():
    panels = shown(breakdown_figure(counts_of([[5, 0], [5, 0]], ["a", "b"]), "View"))
    assert texts(panels[1]) == ["0", "0"]


def test_shares_above_a_hundred_percent_are_no_ticks():
    panels = shown(breakdown_figure(counts_of([[5, 1], [0, 1]], ["a", "b"]), "View"))
    assert max(panels[0].get_xticks()) <= 1


def test_long_and_odd_names_are_drawn():
    counts = pd.DataFrame([[1, 2]], index=["x" * 60 + "$^{"], columns=[LONG, "b"])
    panels = shown(breakdown_figure(counts, "$title^{"))
    assert panels[0].get_title(loc="left").endswith(r"\$more_of^it, n = 1")


def test_nothing_to_count_is_refused():
    with pytest.raises(DataError, match="nothing to count"):
        breakdown_figure(counts_of([[0]], ["a"]), "View")


def sizes(widths, heights, targets):
    return pd.DataFrame({"width": widths, "height": heights, "target": targets})


def test_sizes_are_drawn_once_each_in_the_panel_of_their_class():
    table = sizes([100.0, 100, 200, np.nan], [100.0, 100, 50, np.nan], ["a", "a", "b", "a"])
    figure = size_figure(table, ["a", "b"], 64)
    panels = shown(figure)
    offsets = [panel.collections[0].get_offsets().tolist() for panel in panels]
    assert offsets == [[[100, 100]], [[200, 50]]]
    assert [panel.get_title(loc="left") for panel in panels] == ["a, n = 2", "b, n = 1"]
    assert figure.get_suptitle() == "Sizes of the images (n = 3)"
    for panel in panels:
        (left, right), (low, high) = panel.get_xlim(), panel.get_ylim()
        assert left <= 64
        assert right >= 200
        assert (left, right) == (low, high)


@pytest.mark.parametrize(("largest", "scale"), [(300.0, "linear"), (4000.0, "log")])
def test_sizes_that_differ_widely_are_on_log_axes(largest, scale):
    table = sizes([100.0, largest], [100.0, largest], ["a", "a"])
    (panel,) = shown(size_figure(table, ["a"], 64))
    assert panel.get_xscale() == panel.get_yscale() == ("log" if largest / 64 > 5 else scale)


def test_one_size_is_not_drawn():
    with pytest.raises(DataError, match="one size"):
        size_figure(sizes([9.0, 9], [9.0, 9], ["a", "b"]), ["a", "b"], 64)


def test_intensities_have_one_scale_and_their_median():
    table = pd.DataFrame({"target": ["a"] * 3 + ["b"] * 2, "intensity": [10, 20, 250, 0, np.nan]})
    panels = shown(intensity_figure(table, ["a", "b", "c"]))
    assert [panel.get_title(loc="left") for panel in panels] == ["a, n = 3", "b, n = 1", "c, n = 0"]
    assert texts(panels[0]) == ["20"]
    assert texts(panels[2]) == []
    assert len({panel.get_ylim() for panel in panels}) == 1
    heights = panels[0].patches[0].get_data().values
    assert heights.sum() == pytest.approx(1)
    assert np.flatnonzero(heights).tolist() == [2, 4, 50]


def test_nothing_measured_is_refused():
    with pytest.raises(DataError, match="no image was measured"):
        intensity_figure(pd.DataFrame({"target": ["a"], "intensity": [np.nan]}), ["a"])

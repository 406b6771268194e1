import numpy as np
import pandas as pd
import pytest

from fastmed.errors import DataError
from fastmed.results.figures.gallery import top_losses_figure

CLASSES = ["Normal", "Lung Opacity"]


def made_rows(count, **columns):
    table = pd.DataFrame({"item": [f"folder/{row}.png" for row in range(count)]})
    table = table.assign(target="Normal", predicted="Lung Opacity", loss=3.456)
    table["score_Normal"], table["score_Lung Opacity"] = 0.03, 0.97
    return table.assign(**columns)


def made_pictures(count):
    rng = np.random.default_rng(0)
    shapes = [(20, 30), (20, 30, 3), (40, 10)]
    return [rng.integers(0, 256, shapes[n % 3], dtype=np.uint8) for n in range(count)]


def captions(figure):
    return [axes.get_xlabel() for axes in figure.axes if axes.get_visible()]


@pytest.mark.parametrize("count", [1, 2, 4, 9])
def test_each_image_is_shown_once_in_order(count):
    pictures = made_pictures(count)
    figure = top_losses_figure(made_rows(count), pictures, CLASSES, "Largest losses")
    figure.draw_without_rendering()
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == count
    for axes, picture in zip(panels, pictures, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), picture)
    assert figure.get_suptitle() == "Largest losses"


def test_grey_pictures_are_not_stretched():
    pictures = [np.full((8, 8), 100, dtype=np.uint8)]
    (axes,) = top_losses_figure(made_rows(1), pictures, CLASSES, "Largest losses").axes
    assert axes.images[0].get_clim() == (0, 255)


def test_caption_of_a_category():
    (caption,) = captions(top_losses_figure(made_rows(1), made_pictures(1), CLASSES, "Losses"))
    assert caption == "true: Normal\npredicted: Lung Opacity\nscore 0.97, loss 3.46\n0.png"


def test_caption_of_a_grade_has_the_value():
    figure = top_losses_figure(made_rows(1, value=1.234), made_pictures(1), CLASSES, "Losses")
    assert captions(figure)[0].splitlines()[2] == "score 0.97, loss 3.46, value 1.23"


def test_names_are_written_as_they_stand_and_shortened():
    name = r"folder/$\broken{$" + "x" * 80 + "_0007.png"
    figure = top_losses_figure(made_rows(1, item=name), made_pictures(1), CLASSES, r"$\broken{$")
    figure.draw_without_rendering()
    shown = captions(figure)[0].splitlines()[-1].replace(r"\$", "$")
    assert len(shown) <= 31
    assert shown.startswith(r"$\broken{$")
    assert shown.endswith("_0007.png")
    assert "…" in shown


def test_nothing_to_show_is_said():
    with pytest.raises(DataError, match="no labelled images to show"):
        top_losses_figure(made_rows(0), [], CLASSES, "Losses")

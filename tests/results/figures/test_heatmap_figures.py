"""A figure says whose map it is, and can be read without colour."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from fastmed.results.figures.heatmaps import METHOD_LABELS, caption, heatmap_figure, overlay
from fastmed.results.figures.style import save
from fastmed.settings.heatmaps import METHOD_NAMES

RECORD = {"item": "folder/chest.png", "target": "sick", "predicted": "well", "score_well": 0.61}
PICTURE = np.full((32, 32), 100, np.uint8)
HEAT = np.linspace(0, 1, 32 * 32).reshape(32, 32)


def told(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text)).replace("\n", " ")


def test_it_says_true_predicted_score_method_and_what_it_is_not() -> None:
    figure = heatmap_figure(PICTURE, HEAT, RECORD, explained="well", method="gradcam", places=4)
    words = told(figure)
    for said in (
        "chest.png", "true: sick", "predicted: well (score 0.61)", "What raises 'well'",
        "not where disease is", "Grad-CAM, 4 x 4 places", "32 x 32", "share of the hottest place",
    ):  # fmt: skip
        assert said in words
    assert "plain view" not in words


def test_grades_have_a_value_and_views_are_named() -> None:
    record = {**RECORD, "value": 1.234, "target": ""}
    figure = heatmap_figure(
        PICTURE, HEAT, record, explained="value", method="occlusion", views=["plain", "hflip"]
    )
    words = told(figure)
    assert "value 1.23" in words
    assert "What raises the value" in words
    assert "true: not known" in words
    assert "mean over plain, hflip" in words


def test_every_method_has_a_label() -> None:
    assert tuple(METHOD_LABELS) == METHOD_NAMES
    assert all(label in caption(name) for name, label in METHOD_LABELS.items())


def test_an_empty_map_says_so() -> None:
    figure = heatmap_figure(PICTURE, HEAT * 0, RECORD, explained="well", method="gradcam")
    assert "nothing does" in told(figure)


def test_cold_places_show_the_image_and_heat_grows_lighter() -> None:
    shown = overlay(PICTURE, HEAT)
    np.testing.assert_allclose(shown[0, 0], 100 / 255)
    colour = overlay(np.dstack([PICTURE, PICTURE // 2, PICTURE // 4]), HEAT * 0)
    assert np.ptp(colour, axis=2).max() == 0, "the image's own colours are not taken for heat"
    assert (np.diff(shown[14:, 0] @ [0.299, 0.587, 0.114]) > 0).all()


@pytest.mark.parametrize("name", [
    "$\\frac{1}{0}$.png", "a\nb\x1b[31m.png", "<script>alert(1)</script>.png", "=1+1.png",
    "x" * 300 + ".png", "_^_{.png", "\u202egnp.exe",
])  # fmt: skip
def test_names_from_anywhere_are_drawn(name: str, tmp_path: Path) -> None:
    record = {"item": name, "target": "a$b", "predicted": "a$b", "score_a$b": 0.5}
    figure = heatmap_figure(PICTURE, HEAT, record, explained="a$b", method="hirescam")
    save(figure, tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as picture:
        assert picture.size[0] > picture.size[1] > 300

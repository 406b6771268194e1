import numpy as np
import pytest

from fastmed.results.figures.augmented import augmentation_words, augmented_figure
from fastmed.settings.augment import AugmentSettings

NOT_CHANGES = {"affine_probability", "light_probability", "first_epoch", "last_epoch"}


def test_words_say_what_how_strongly_how_often_and_when():
    settings = AugmentSettings(
        flip_horizontal=0.5, rotate=15, zoom=1.1, light=0.2, light_probability=0.6, last_epoch=12
    )
    assert augmentation_words(settings) == (
        "mirrored left to right (50%), turned by up to 15° and zoomed by up to 1.1 (75%), "
        "brightness and contrast changed by up to 20% (60%); epochs 1 to 12"
    )
    late = AugmentSettings(flip_vertical=0.25, first_epoch=3)
    assert augmentation_words(late) == "upside down (25%); from epoch 3 on"
    assert augmentation_words(AugmentSettings()) == "none"


@pytest.mark.parametrize("name", sorted({*AugmentSettings.model_fields} - NOT_CHANGES))
def test_every_change_has_words(name):
    """A new setting of augmentation has to be told in the title."""
    value = 1.5 if name == "zoom" else 0.5
    assert augmentation_words(AugmentSettings(**{name: value})) != "none"


@pytest.mark.parametrize("shape", [(12, 12), (12, 12, 3)])
def test_a_strip_for_each_image_with_all_its_pictures(shape):
    rng = np.random.default_rng(0)
    pictures = [[rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(4)] for _ in range(2)]
    figure = augmented_figure(["no finding", "$x$"], pictures, "turned")
    figure.draw_without_rendering()
    assert figure.get_suptitle() == "Augmentation: turned"
    assert [axes.get_ylabel() for axes in figure.axes] == ["no finding", r"\$x\$"]
    for axes, some in zip(figure.axes, pictures, strict=True):
        strip = axes.images[0].get_array()
        assert strip.shape[:2] == (12, 4 * 13 - 1)
        for place, picture in enumerate(some):
            np.testing.assert_array_equal(strip[:, 13 * place : 13 * place + 12], picture)

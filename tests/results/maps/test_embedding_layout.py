import numpy as np
import pytest

from fastmed.errors import DataError
from fastmed.results.maps.embedding import LEAST, lay_out


def groups(n=90, apart=12.0, width=20):
    rng = np.random.default_rng(0)
    true = np.arange(n) % 3
    return rng.normal(size=(n, width)) + apart * np.eye(3, width)[true], true


def test_groups_stay_together():
    features, true = groups()
    layout = lay_out(features, true, 0)
    distances = np.linalg.norm(layout.places[:, None] - layout.places, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (true[distances.argmin(axis=1)] == true).mean() > 0.95
    assert layout.facts["agrees"] > 0.95
    assert layout.facts["by_chance"] == pytest.approx(29 / 89)
    assert layout.facts["trustworthiness"] > 0.85
    assert (layout.facts["features"], layout.facts["components"]) == (20, 20)


def test_the_same_seed_gives_the_same_places():
    features, true = groups(40)
    first, again, other = (lay_out(features, true, seed).places for seed in (0, 0, 1))
    assert (first == again).all()
    assert first.shape == other.shape == (40, 2)


def test_classes_that_are_not_told_apart_agree_by_chance():
    features, true = groups(apart=0)
    facts = lay_out(features, np.random.default_rng(1).permutation(true), 0).facts
    assert abs(facts["agrees"] - facts["by_chance"]) < 0.1


@pytest.mark.parametrize("width", [1, 2, 3])
def test_few_features_are_enough(width):
    features, true = groups(LEAST, width=width)
    assert np.isfinite(lay_out(features, true, 0).places).all()


def test_too_little_to_lay_out_is_one_sentence():
    features, true = groups(LEAST - 1)
    with pytest.raises(DataError, match="takes 10 images or more, not 9"):
        lay_out(features, true, 0)
    with pytest.raises(DataError, match="the same features for every image"):
        lay_out(np.ones((20, 4)), np.zeros(20, int), 0)

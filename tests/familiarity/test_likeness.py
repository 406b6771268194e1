"""Images unlike the training images are told by what is strange about them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fastmed.errors import RunError
from fastmed.familiarity.likeness import Likeness, Sight, told

USUAL = {"size": 6.0, "aspect": 0.0, "brightness": 0.5, "contrast": 0.2, "colour": 0.0}


def sight_of(count: int, features: np.ndarray | None = None, **columns: object) -> Sight:
    rows = pd.DataFrame({**USUAL, "modality": "", **columns}, index=range(count))
    return Sight(rows, features)


def features_of(count: int, seed: int, direction: int = 0) -> np.ndarray:
    """Return features (n, 8) around one axis."""
    noise = np.random.default_rng(seed).normal(scale=0.1, size=(count, 8))
    noise[:, direction] += 1
    return noise


@pytest.fixture
def likeness() -> Likeness:
    train = sight_of(200, features_of(200, 0), modality=["DX", "CR"] * 100)
    return Likeness.fit(train, sight_of(300, features_of(300, 1)))


def test_images_of_the_same_kind_are_like_them_but_for_one_in_a_hundred(likeness: Likeness):
    fresh = sight_of(2000, features_of(2000, 2))
    assert 0 < sum(map(bool, likeness.unlike(fresh))) < 60
    assert np.quantile(likeness.distances(fresh), 0.99) == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize(
    ("column", "value"),
    [("size", 4.0), ("aspect", 0.3), ("brightness", 0.8), ("contrast", 0.02), ("colour", 0.1),
     ("modality", "MR")],
)  # fmt: skip
def test_each_measure_is_named(likeness: Likeness, column: str, value: object):
    strange = sight_of(
        3, np.eye(1, 8).repeat(3, 0), **{column: [USUAL.get(column, ""), value, value]}
    )
    assert likeness.unlike(strange) == ["", column, column]


def test_content_is_strange_where_features_point_elsewhere(likeness: Likeness):
    there = sight_of(4, features_of(4, 3, direction=1))
    assert likeness.unlike(there) == ["content"] * 4
    assert (likeness.distances(there) > 5).all()


def test_what_is_not_known_is_not_strange(likeness: Likeness):
    blank = sight_of(2, np.eye(1, 8).repeat(2, 0), size=np.nan, aspect=np.nan, modality="")
    assert likeness.unlike(blank) == ["", ""]


def test_a_network_without_features_judges_by_the_rest(tmp_path: Path):
    likeness = Likeness.fit(sight_of(20), sight_of(10))
    strange = sight_of(2, brightness=[0.5, 0.9])
    assert likeness.unlike(strange) == ["", "brightness"]
    assert np.isnan(likeness.distances(strange)).all()
    again = Likeness.load(tmp_path, likeness.save(tmp_path))
    assert again.unlike(strange) == ["", "brightness"]


def test_what_was_saved_is_what_is_loaded(likeness: Likeness, tmp_path: Path):
    known = likeness.save(tmp_path)
    again = Likeness.load(tmp_path, known)
    fresh = sight_of(50, features_of(50, 4), modality="MR")
    assert np.array_equal(again.distances(fresh), likeness.distances(fresh))
    assert again.unlike(fresh) == likeness.unlike(fresh)
    for damaged in ({}, {**known, "reach": 0}, {**known, "ranges": {"size": [1]}}):
        with pytest.raises(RunError, match="is damaged"):
            Likeness.load(tmp_path, damaged)
    (tmp_path / "likeness.safetensors").write_bytes(b"no")
    with pytest.raises(RunError, match="is damaged"):
        Likeness.load(tmp_path, known)


def test_sentence_counts_images_and_reasons():
    assert told({"": 2, "size, content": 1, "content": 1}).startswith(
        "2 of 4 images are unlike the training images (content 2, size 1)"
    )

"""Labels become classes by name, by a rename or by position; anything else is refused."""

import unicodedata

import pandas as pd
import pytest

from fastmed.data.layouts.labels import to_classes
from fastmed.errors import DataError

GRADES = ("None", "Mild", "Severe")


def classes_of(*labels: str, classes: tuple[str, ...] = GRADES, **rename: str) -> list[str]:
    places = pd.Series([f"line {number}" for number in range(len(labels))], dtype=str)
    return to_classes(pd.Series(labels, dtype=str), places, classes, rename).tolist()


def test_names():
    assert classes_of("Mild", " None ", "Severe") == ["Mild", "None", "Severe"]


def test_accents_count_the_same_however_they_are_encoded():
    parted = unicodedata.normalize("NFD", "naïve")
    assert classes_of(parted, classes=("naïve", "other")) == ["naïve"]
    assert classes_of(parted, classes=("x", "other"), **{"naïve": "x"}) == ["x"]


def test_positions():
    assert classes_of("0", "2", "1.0") == ["None", "Severe", "Mild"]


def test_positions_with_gaps_in_what_is_labelled():
    assert classes_of("0", "", "1") == ["None", "", "Mild"]


def test_numbers_that_are_class_names_are_names():
    assert classes_of("1", "2", classes=("2", "1")) == ["1", "2"]


def test_rename_comes_first():
    assert classes_of("bad", "0", "Mild", bad="Severe", **{"0": "None"}) == [
        "Severe",
        "None",
        "Mild",
    ]


def test_unknown_label_names_place_and_nearest_class():
    with pytest.raises(DataError, match="line 1: 'Sevre' is none of .* did you mean 'Severe'"):
        classes_of("Mild", "Sevre")


def test_unknown_labels_are_counted_and_listed():
    with pytest.raises(DataError, match=r"line 1: '7' .*2 labels in all.*unknown are '7', 'x'"):
        classes_of("Mild", "7", "x")


@pytest.mark.parametrize("labels", [("0", "3"), ("0", "Mild"), ("-1", "0"), ("0.5", "1")])
def test_positions_are_all_or_nothing(labels: tuple[str, ...]):
    with pytest.raises(DataError, match="is none of the classes"):
        classes_of(*labels)

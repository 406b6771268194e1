"""One piece of metadata, against scikit-learn's scaler and encoder."""

import math

import numpy as np
import pandas as pd
import pytest
from made import listening
from sklearn.impute import MissingIndicator
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fastmed.data.metadata_fields import CategoryField, NumberField, fit_field
from fastmed.errors import DataError


def test_numbers_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    train = generator.normal(50, 17, 200).round(1)
    train[generator.random(200) < 0.2] = np.nan
    new = np.array([20.0, np.nan, 64.5, 100.0])
    scaler = StandardScaler().fit(train[:, None])
    field = fit_field("age", train)
    assert (field.mean, field.std) == pytest.approx((scaler.mean_[0], scaler.scale_[0]))
    found = field.encode(new)
    expected = np.nan_to_num(scaler.transform(new[:, None])[:, 0])
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-6)
    missing = MissingIndicator(features="all").fit_transform(new[:, None])[:, 0]
    np.testing.assert_array_equal(found[:, 1], missing)


def test_categories_are_those_of_scikit_learn() -> None:
    train, new = ["M", "F", "F", "", "O"], ["F", "O", "X", "", "M"]
    known = [text for text in train if text]
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    expected = encoder.fit(np.array(known)[:, None]).transform(np.array(new)[:, None])
    field = fit_field("sex", train)
    assert list(field.values) == encoder.categories_[0].tolist()
    found = field.encode(new)
    np.testing.assert_array_equal(found[:, :-1], expected)
    np.testing.assert_array_equal(found[:, -1], [0, 0, 1, 1, 0])


NOTHING = ["", " ", None, math.nan, pd.NA, "NA", "n/a", "nan", "NULL", "Unknown", "?"]


@pytest.mark.parametrize("value", NOTHING, ids=repr)
def test_what_says_nothing_is_missing(value: object) -> None:
    for field in (fit_field("age", ["1", "3", value]), fit_field("sex", ["F", "M", value])):
        assert field.encode([value])[0].tolist() == field.missing
        assert field.strange([value]) == []
    assert fit_field("age", [1, 3, value]) == NumberField(name="age", mean=2, std=1)


def test_a_typo_of_a_number_is_cut_off_at_five_deviations() -> None:
    field = NumberField(name="age", mean=50, std=10)
    assert field.encode([149, -200, 99])[:, 0].tolist() == pytest.approx([5, -5, 4.9])


@pytest.mark.parametrize("value", ["old", "1e999", "inf", "nan%", "1,5"])
def test_what_is_no_number_is_missing_and_named(value: str) -> None:
    field = NumberField(name="age", mean=50, std=10)
    assert field.encode([value])[0].tolist() == [0, 1]
    assert field.strange(["40", value, ""]) == [value]


def test_few_texts_among_numbers_are_slips_of_the_pen() -> None:
    ages = [*range(40, 58), "old", "59"]
    field = fit_field("age", ages)
    assert (field.kind, field.mean) == ("number", pytest.approx(np.mean([*range(40, 58), 59])))
    assert field.strange(ages) == ["old"]
    assert fit_field("stage", [1, 2, 3, 4, "4b"]).kind == "category"


def test_unknown_categories_are_named() -> None:
    field = CategoryField(name="sex", values=("F", "M"))
    assert field.strange(["F", "O", "", "m"]) == ["O", "m"]


@pytest.mark.parametrize("values", [[1, 2, 2], [1.0, 2.0, math.nan], ["1", "2", ""]], ids=repr)
def test_numbers_are_the_same_category_however_a_table_was_read(values: list) -> None:
    field = CategoryField(name="site", values=("1", "2", "A"))
    assert field.encode(values)[:2].tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]


def test_what_is_the_same_everywhere_is_said_and_harmless() -> None:
    with listening() as told:
        number, category = fit_field("dose", [3, 3.0, "3"]), fit_field("modality", ["CR", "CR"])
    assert "meta_dose is 3 in all training images" in told.text
    assert "meta_modality is CR in all training images" in told.text
    assert number.encode([3])[0].tolist() == [0, 0]
    assert category.encode(["CR"])[0].tolist() == [1, 0]


def test_nothing_known_and_too_many_texts_are_one_sentence() -> None:
    with pytest.raises(DataError, match=r"meta = 'age': no training image has it"):
        fit_field("age", ["", None])
    with pytest.raises(DataError, match=r"'name' has 51 different texts in 60 training images"):
        fit_field("name", [f"patient {n % 51}" for n in range(60)])
    assert len(fit_field("site", [f"ward {n}" for n in range(50)]).values) == 50


@pytest.mark.parametrize("field", [fit_field("age", ["1", "3", ""]), fit_field("sex", ["F", "M"])])
def test_words_say_what_was_encoded(field: NumberField | CategoryField) -> None:
    values = ["1", "3", ""] if field.kind == "number" else ["F", "M", ""]
    said = [field.decode(columns.tolist()) for columns in field.encode(values)]
    assert said == [value or "?" for value in values]

"""Metadata of items: encoded, checked, told of."""

import json

import numpy as np
import pandas as pd
import pytest
from made import listening

from fastmed.data.metadata import (
    MetadataEncoder,
    check_metadata,
    metadata_table,
    tell_of_gaps,
)
from fastmed.data.tables import read_table, write_table
from fastmed.errors import DataError, RunError

TRAIN = pd.DataFrame(
    {"meta_age": [40.0, 60.0, np.nan, 50.0], "meta_sex": ["F", "M", "M", ""], "item": list("abcd")}
)
ENCODER = MetadataEncoder.fit(TRAIN, ["age", "sex"])


def test_columns_stand_side_by_side() -> None:
    deviation = 10 / np.std([40, 60, 50])
    np.testing.assert_allclose(
        ENCODER.encode(TRAIN),
        [[-deviation, 0, 1, 0, 0], [deviation, 0, 0, 1, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 1]],
        rtol=1e-6,
    )
    assert ENCODER.missing.tolist() == [0, 1, 0, 0, 1]
    assert ENCODER.owners == [0, 0, 1, 1, 1]
    assert ENCODER.encode(TRAIN).dtype == ENCODER.missing.dtype == np.float32


def test_a_row_is_encoded_as_in_its_table() -> None:
    rows = [ENCODER.encode_row(row) for _, row in TRAIN.iterrows()]
    np.testing.assert_array_equal(rows, ENCODER.encode(TRAIN))


def test_items_without_the_columns_are_unknown() -> None:
    items = pd.DataFrame({"item": ["a", "b"], "meta_sex": ["F", "O"]})
    assert ENCODER.encode(items).tolist() == [[0, 1, 1, 0, 0], [0, 1, 0, 0, 1]]
    assert ENCODER.unknown(items).tolist() == [[True, False], [True, True]]
    assert ENCODER.encode_row(pd.Series({"item": "c"})).tolist() == ENCODER.missing.tolist()


def test_only_the_training_part_decides() -> None:
    more = pd.concat([TRAIN, pd.DataFrame({"meta_age": [90.0], "meta_sex": ["O"]})])
    assert MetadataEncoder.fit(more.iloc[:4], ["age", "sex"]) == ENCODER
    assert MetadataEncoder.fit(more, ["age", "sex"]) != ENCODER


def test_json_and_csv_change_no_bit(tmp_path) -> None:
    generator = np.random.default_rng(0)
    items = pd.DataFrame(
        {
            "meta_dose": generator.lognormal(0, 3, 500),
            "meta_site": generator.choice(["1", "2", "07", "ward 3", ""], 500),
        }
    )
    encoder = MetadataEncoder.fit(items, ["dose", "site"])
    again = MetadataEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    assert again == encoder
    write_table(items, tmp_path / "items.csv")
    read = read_table(tmp_path / "items.csv")
    assert encoder.encode(read).tobytes() == encoder.encode(items).tobytes()
    assert MetadataEncoder.fit(read, ["dose", "site"]) == encoder


@pytest.mark.parametrize(
    "content", [None, [], [{"kind": "number", "name": "age", "mean": 1, "std": 0}], "x"]
)
def test_json_of_something_else_is_one_sentence(content: object) -> None:
    with pytest.raises(RunError, match=r"run.json: 'meta' does not encode metadata \("):
        MetadataEncoder.from_json(content)


def test_words_of_an_image() -> None:
    assert ENCODER.decode(ENCODER.encode(TRAIN)[1].tolist()) == "age 60, sex M"
    assert ENCODER.decode(ENCODER.missing.tolist()) == "age ?, sex ?"


def test_table_of_the_training_part() -> None:
    table = metadata_table(ENCODER, TRAIN)
    assert table["metadata"].tolist() == ["age", "sex"]
    assert table["known"].tolist() == ["3 of 4", "3 of 4"]
    assert table["values"].tolist() == ["50 ± 8.16", "F, M"]


def test_a_wrong_name_is_one_sentence_with_the_nearest() -> None:
    check_metadata(TRAIN, ["age", "sex"], "dicom")
    with pytest.raises(DataError, match=r"no metadata 'sexx'; did you mean 'sex'\?"):
        check_metadata(TRAIN, ["age", "sexx"], "dicom")
    with pytest.raises(DataError, match=r"no metadata 'weight'; known are age, sex"):
        check_metadata(TRAIN, ["weight"], "table")


@pytest.mark.parametrize("kind", ["folders", "arrays"])
def test_images_without_metadata_are_one_sentence(kind: str) -> None:
    with pytest.raises(DataError, match=f"{kind} hold only images and labels.*--set meta="):
        check_metadata(TRAIN[["item"]], ["age"], kind)


def test_a_table_is_told_how_to_name_columns() -> None:
    with pytest.raises(DataError, match=r"source.meta=\{age = \"Column\"\}"):
        check_metadata(TRAIN[["item"]], ["age"], "table")


@pytest.mark.parametrize("name", ["view", "manufacturer"])
def test_shortcuts_are_named_once_and_only_where_used(name: str) -> None:
    items = TRAIN.assign(**{f"meta_{name}": "x"})
    with listening() as told:
        check_metadata(items, ["age", "sex"], "dicom")
    assert told.text == ""
    with listening() as told:
        check_metadata(items, ["age", name], "dicom")
    assert told.text.count("known shortcut") == told.text.count("\n") == 1
    assert ("AP films are of sicker patients" in told.text) == (name == "view")


def gaps(**columns: list) -> str:
    with listening() as told:
        tell_of_gaps(ENCODER, pd.DataFrame({"item": ["a", "b", "c"], **columns}))
    return told.text


def test_gaps_are_counted() -> None:
    assert gaps(meta_age=[1, 2, 3], meta_sex=["F", "M", "F"]) == ""
    assert gaps() == ("3 of 3 images have no metadata (age, sex): they are predicted without it\n")
    assert gaps(meta_age=[1, np.nan, np.nan], meta_sex=["F", "M", ""]) == (
        "1 of 3 images have no metadata (age, sex): they are predicted without it\n"
        "some images lack a part of their metadata: age (1)\n"
    )


def test_values_that_were_never_seen_are_named() -> None:
    assert gaps(meta_age=["1", "2", "old"], meta_sex=["O", "F", "O"]) == (
        "1 of 3 images have no metadata (age, sex): they are predicted without it\n"
        "some images lack a part of their metadata: sex (1)\n"
        "meta_age has 'old', which is no number: taken as unknown (images: 1)\n"
        "meta_sex has 'O', which no training image has: taken as unknown (images: 2)\n"
    )

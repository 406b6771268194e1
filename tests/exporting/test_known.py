"""Metadata that is coded inside a file."""

import numpy as np
import pandas as pd
import torch

from fastmed.data.metadata import MetadataEncoder
from fastmed.exporting.known import UNKNOWN, Coded, described, given_values

TRAIN = pd.DataFrame(
    {"meta_age": ["40", "50", "60", "71"], "meta_sex": ["F", "M", "M", "F"]}, dtype=str
)
ITEMS = pd.DataFrame(
    {"meta_age": ["55", "", "9999", "x"], "meta_sex": ["M", "F", "other", ""]}, dtype=str
)


def encoder() -> MetadataEncoder:
    return MetadataEncoder.fit(TRAIN, ["age", "sex"])


def test_raw_values_are_coded_as_in_a_run():
    known = encoder()
    given = given_values(known, ITEMS)
    assert given["meta_sex"].tolist() == [1, 0, UNKNOWN, UNKNOWN]
    assert np.isnan(given["meta_age"]).tolist() == [False, True, False, True]
    coded = Coded(known)(*(torch.from_numpy(value) for value in given.values()))
    np.testing.assert_allclose(coded.numpy(), known.encode(ITEMS), atol=1e-5)


def test_what_no_one_knows_is_unknown():
    known = encoder()
    strange = [torch.tensor([float("inf"), float("nan")]), torch.tensor([7, -3])]
    np.testing.assert_array_equal(Coded(known)(*strange).numpy(), [known.missing] * 2)


def test_a_reader_is_told_the_values():
    age, sex = described(encoder())
    assert (age["name"], age["type"], age["unknown"]) == ("meta_age", "float32", "NaN")
    assert (sex["values"], sex["unknown"]) == (["F", "M"], UNKNOWN)

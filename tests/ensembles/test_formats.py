"""Members in every format that `fastmed predict` writes, and files that only look like it."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from made_members import GRADES, LUNGS, file_of, said

from fastmed.data.tables import scores_of
from fastmed.ensembles import ensemble
from fastmed.errors import DataError
from fastmed.prediction.formats import write_predictions


@pytest.mark.parametrize("suffix", [".json", ".npz", ".parquet"])
@pytest.mark.parametrize("classes", [LUNGS, GRADES], ids=["category", "grade"])
def test_a_member_is_the_same_in_every_format(
    suffix: str, classes: list[str], tmp_path: Path
) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    tables = [said(classes, 20, seed, labelled=False) for seed in (1, 2)]
    files = [file_of(tmp_path, f"m{n}", table) for n, table in enumerate(tables)]
    other = tmp_path / f"m0{suffix}"
    write_predictions(tables[0], other)
    expected, found = ensemble(files), ensemble([other, files[1]])
    assert scores_of(found, classes) == pytest.approx(scores_of(expected, classes))
    assert found["predicted"].tolist() == expected["predicted"].tolist()
    assert found["group"].tolist() == expected["group"].tolist()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[" * 100_000, "nested too deep|can't be read as JSON"),
        ('{"item": 1}', "is not a list of rows"),
        ('[{"item": {"a": 1}}]', "is not a list of rows"),
        ("[]", "is not a list of rows"),
        ('[{"x": 1}]', "isn't said which column is what"),
    ],
)
def test_json_that_is_no_table_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    file = file_of(tmp_path, "m", said(LUNGS, 5))
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(DataError, match=sentence):
        ensemble([file, tmp_path / "bad.json"])


def test_npz_that_is_no_table_is_refused(tmp_path: Path) -> None:
    file, bad = file_of(tmp_path, "m", said(LUNGS, 5)), tmp_path / "bad.npz"
    np.savez(bad, item=np.array([{"a": 1}], dtype=object), predicted=np.array(["x"]))
    with pytest.raises(DataError, match="pickled objects"):
        ensemble([file, bad])
    np.savez(bad, item=np.array(["a", "b"]), predicted=np.array(["healthy"]))
    with pytest.raises(DataError, match="different lengths: item 2, predicted 1"):
        ensemble([file, bad])
    np.savez(bad, item=np.array(["a"]), scores=np.ones((1, 2)), classes=np.array(LUNGS))
    with pytest.raises(DataError, match="3 classes, and scores of 2 each"):
        ensemble([file, bad])
    bad.write_bytes(pickle.dumps(json.dumps({})))
    with pytest.raises(DataError, match="not an NPZ file"):
        ensemble([file, bad])

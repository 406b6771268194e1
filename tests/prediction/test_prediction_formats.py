"""The same predictions in every format."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fastmed.data.tables import read_table
from fastmed.errors import MissingExtraError
from fastmed.prediction.formats import Tables, check_output, write_in_format, write_predictions

HOSTILE = ["<script>alert(1)</script>", "=1+1", 'a"b\r\n,c']


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item": [*HOSTILE, "ü.png"],
            "group": "",
            "predicted": ["a", "../b", "", "a"],
            "score_a": [0.1, 1 / 3, np.nan, 0.7],
            "score_../b": [0.9, 2 / 3, np.nan, 0.3],
            "value": [1e-300, 0.5, np.nan, 2.0],
            "grade": pd.array([0, 1, None, 0], dtype="Int64"),
            "spread": [0.1, 0.2, np.nan, 0.0],
            "flagged": pd.array([True, False, None, True], dtype="boolean"),
            "score_a@hflip": [0.2, 0.3, np.nan, 0.1],
            "score_../b@hflip": [0.8, 0.7, np.nan, 0.9],
            "value@hflip": [0.5, 0.25, np.nan, 1.0],
            "reason": ["", "", "it is text", ""],
        }
    )


def in_parts(table: pd.DataFrame) -> Tables:
    return Tables(lambda: (table.iloc[n : n + 1] for n in range(len(table))))


@pytest.mark.parametrize("suffix", [".csv", ".json", ".npz"])
def test_several_tables_make_the_file_of_one(
    suffix: str, table: pd.DataFrame, tmp_path: Path
) -> None:
    clean = table.drop(index=2).reset_index(drop=True).astype({"grade": int, "flagged": bool})
    for name, given in (("gaps", table), ("clean", clean)):
        if suffix == ".csv" and name == "gaps":
            continue  # a carriage return changes the quotes of the part that it is in
        whole, parts = tmp_path / f"{name}1{suffix}", tmp_path / f"{name}2{suffix}"
        write_predictions(given, whole)
        write_in_format(in_parts(given), parts)
        if suffix != ".npz":
            assert whole.read_bytes() == parts.read_bytes()


def test_csv_reads_back_equal(table: pd.DataFrame, tmp_path: Path) -> None:
    write_in_format(in_parts(table), tmp_path / "a.csv")
    found = read_table(tmp_path / "a.csv")
    for name in table:
        expected = table[name].tolist()
        for one, other in zip(found[name].tolist(), expected, strict=True):
            assert (pd.isna(one) and pd.isna(other)) or one == other
    assert ",'=1+1," not in (tmp_path / "a.csv").read_text()
    assert "'=1+1" in (tmp_path / "a.csv").read_text()


def test_json_is_a_list_of_rows(table: pd.DataFrame, tmp_path: Path) -> None:
    write_predictions(table, tmp_path / "a.json")
    rows = json.loads((tmp_path / "a.json").read_text())
    assert [row["item"] for row in rows] == table["item"].tolist()
    assert rows[1]["score_a"] == 1 / 3
    assert rows[2] == {
        **dict.fromkeys(table.columns), "item": HOSTILE[2], "group": "", "predicted": "",
        "reason": "it is text",
    }  # fmt: skip
    assert (rows[0]["grade"], rows[0]["flagged"]) == (0, True)
    write_predictions(table.head(0), tmp_path / "empty.json")
    assert json.loads((tmp_path / "empty.json").read_text()) == []


def test_npz_holds_arrays_and_no_objects(table: pd.DataFrame, tmp_path: Path) -> None:
    write_in_format(in_parts(table), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        found = dict(arrays)
    assert found["item"].tolist() == table["item"].tolist()
    assert found["classes"].tolist() == ["a", "../b"]
    np.testing.assert_array_equal(found["scores"], table[["score_a", "score_../b"]])
    assert found["views"].tolist() == ["hflip"]
    np.testing.assert_array_equal(
        found["scores_per_view"][:, 0], table[["score_a@hflip", "score_../b@hflip"]]
    )
    np.testing.assert_array_equal(found["values_per_view"][:, 0], table["value@hflip"])
    np.testing.assert_array_equal(found["grade"], [0, 1, np.nan, 0])
    assert not any("/" in name for name in found)
    clean = table.drop(index=2).astype({"grade": int, "flagged": bool})
    write_predictions(clean, tmp_path / "b.npz")
    with np.load(tmp_path / "b.npz", allow_pickle=False) as arrays:
        assert (arrays["grade"].dtype, arrays["flagged"].dtype) == (np.int64, np.bool_)


def test_parquet_keeps_types_and_gaps(table: pd.DataFrame, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write_in_format(in_parts(table), tmp_path / "a.parquet")
    found = parquet.read_table(tmp_path / "a.parquet")
    assert found.column_names == list(table.columns)
    assert found["item"].to_pylist() == table["item"].tolist()
    assert found["grade"].to_pylist() == [0, 1, None, 0]
    assert found["flagged"].to_pylist() == [True, False, None, True]
    assert found["score_a"].to_pylist() == [0.1, 1 / 3, None, 0.7]


def test_parquet_without_its_package_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r'pip install "fastmed\[parquet\]"'):
        check_output(tmp_path / "a.parquet")

"""Tables come back from CSV as they were, and nothing in them is a formula to a spreadsheet."""

import csv
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastmed.data.tables import items_table, read_table, write_table
from fastmed.errors import DataError, RunError

FORMULAS = (
    "=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1+1", "'=1",
    "''@x", "-", "+", "-1-1", "-1\n",
)  # fmt: skip
PLAIN = ("a=1", "a-b", "'a", "-1", "+2.5", "-1e-05", "1+1", "", "'", "naïve", "a,b", 'a"b', " x ")
ANYTHING = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


def cells_of(path: Path) -> list[list[str]]:
    """Return the cells as a spreadsheet gets them."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_gets_an_apostrophe_and_loses_it_again(tmp_path: Path, text: str) -> None:
    write_table(pd.DataFrame({"item": [text], text: ["x"]}), tmp_path / "t.csv")
    assert cells_of(tmp_path / "t.csv") == [["item", f"'{text}"], [f"'{text}", "x"]]
    back = read_table(tmp_path / "t.csv")
    assert back.columns.tolist() == ["item", text]
    assert back["item"].tolist() == [text]


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_and_numbers_stay_as_they_are(tmp_path: Path, text: str) -> None:
    write_table(pd.DataFrame({"item": [text], "loss": [-0.5]}), tmp_path / "t.csv")
    assert cells_of(tmp_path / "t.csv")[1] == [text, "-0.5"]
    assert read_table(tmp_path / "t.csv").to_dict("list") == {"item": [text], "loss": [-0.5]}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(ANYTHING | st.sampled_from(FORMULAS), ANYTHING), min_size=1, max_size=4))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    table = pd.DataFrame(rows, columns=["item", "note"], dtype=str)
    write_table(table, file)
    assert read_table(file).to_numpy().tolist() == table.to_numpy().tolist()
    assert not any(cell[:1] in set("=@\t\r\n") for row in cells_of(file) for cell in row)


def test_a_name_that_is_not_utf8_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="in a name is not UTF-8; rename it"):
        write_table(pd.DataFrame({"item": ["a\udcff.png"]}, dtype=object), tmp_path / "t.csv")
    assert list(tmp_path.iterdir()) == []


def test_items_with_such_a_name_are_refused_before_any_work(tmp_path: Path) -> None:
    names = ["a.png", "b\udcff.png"]
    rows = pd.DataFrame({"item": names, "image": names}, dtype=object)
    with pytest.raises(DataError, match="name of 'b.*png' is not UTF-8; rename the file"):
        items_table(rows, tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a,b\n1,2\n1,2,3\n", b"item,loss\na,b\n"])
def test_a_damaged_table_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match="t.csv is not a table as fastmed writes it") as caught:
        read_table(tmp_path / "t.csv")
    assert "\n" not in str(caught.value)

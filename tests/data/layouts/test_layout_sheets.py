"""CSV files as people write them."""

from pathlib import Path

import pytest

from fastmed.data.layouts import sheets
from fastmed.data.layouts.sheets import read_sheet, require_columns
from fastmed.errors import DataError


def sheet(path: Path, content: str | bytes, separator: str | None = None):  # type: ignore[no-untyped-def]
    file = path / "t.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_sheet(file, separator)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separator_is_found(tmp_path: Path, separator: str):
    table = sheet(tmp_path, f"image{separator}label\r\na b{separator}0\r\n")
    assert table.to_dict("records") == [{"image": "a b", "label": "0"}]


def test_given_separator_wins(tmp_path: Path):
    table = sheet(tmp_path, "a,b;c,d\n1,2;3,4\n", ";")
    assert table.columns.tolist() == ["a,b", "c,d"]


def test_text_stays_text(tmp_path: Path):
    table = sheet(tmp_path, "id,label\n007,NA\n 1e3 ,None\n")
    assert table["id"].tolist() == ["007", "1e3"]
    assert table["label"].tolist() == ["NA", "None"]


def test_mark_quotes_blank_lines_and_line_numbers(tmp_path: Path):
    table = sheet(tmp_path, b'\xef\xbb\xbfid,label\n"a,b",0\n\n,\nc,1\n')
    assert table.columns.tolist() == ["id", "label"]
    assert table["id"].to_dict() == {2: "a,b", 5: "c"}


def test_short_rows_are_filled_and_trailing_separators_ignored(tmp_path: Path):
    assert sheet(tmp_path, "id,label\na\nb,1,\n").to_numpy().tolist() == [["a", ""], ["b", "1"]]


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "is empty"),
        (b"id,label\na,1,2\n", "line 2 has 3 cells, but there are 2 columns"),
        (b"id,label,id\n", "several columns named 'id'"),
        ("id,label\nä,1\n".encode("utf-16"), "is not UTF-8 text"),
        ("id,label\nä,1\n".encode("latin-1"), "is not UTF-8 text"),
        ("id,label\na,1\n".encode("utf-16-le"), "line 1 holds a zero byte"),
        (b"id,label\na\0,1\n", "line 2 holds a zero byte"),
        (b"id,label\n" + b"x" * 200_000, "line 2 is not a row .*more than 131,072 characters"),
        (b"id,label\n" + b"x" * 1_000_001, "line 2 has more than 1,000,000 characters"),
        (b'id,label\na,0\n"b,1\nc,2\n', 'line 4 .*a quote " that opens a cell is never closed'),
        (b'id,label\n"b"x,1\n', "line 2 is not a row of a table"),
        (b'"id,label\nb,1\n', "line 1 is not a row of a table"),
        (",".join(map(str, range(10_001))).encode(), "has 10,001 columns, more than 10,000"),
    ],
)
def test_defects_are_refused(tmp_path: Path, content: bytes, reason: str):
    with pytest.raises(DataError, match=reason):
        sheet(tmp_path, content)


def test_missing_file_and_column(tmp_path: Path):
    with pytest.raises(DataError, match="there is no file"):
        read_sheet(tmp_path / "none.csv")
    table = sheet(tmp_path, "id_code,diagnosis\n")
    with pytest.raises(DataError, match="no column 'diagnose'; did you mean 'diagnosis'"):
        require_columns(table, ["id_code", "diagnose"], tmp_path)


def test_lines_and_cells_are_counted_before_they_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sheets, "_MOST_LINES", 4)
    with pytest.raises(DataError, match="has more than 4 lines"):
        sheet(tmp_path, "a,b\n\n\n\n\n")
    assert len(sheet(tmp_path, "a,b\n1,2\n1,2\n1,2\n")) == 3
    monkeypatch.setattr(sheets, "_MOST_CELLS", 4)
    with pytest.raises(DataError, match="has more than 4 cells"):
        sheet(tmp_path, "a,b\n1,2\n1\n1,2\n")


def test_line_numbers_count_lines_within_cells(tmp_path: Path):
    assert sheet(tmp_path, 'id,note\na,"one\ntwo"\nb,\n').index.tolist() == [3, 4]

"""Images behind pseudonyms are found again, and their names are in no text."""

from pathlib import Path

import pandas as pd
import pytest

from fastmed.data.pseudonyms import NamesBelow, hide_items, located, write_items
from fastmed.data.tables import ROOT, items_table, read_table
from fastmed.errors import DataError
from fastmed.state import pseudonym

NAMES = ["sick/Jane Doe.png", "sick/John.png", "well/100.png", "well/a+b.png"]


@pytest.fixture
def items(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.setenv("FASTMED_HOME", str(tmp_path / "state"))
    for name in NAMES:
        file = tmp_path / "data" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    return items_table(pd.DataFrame({"item": NAMES, "image": NAMES}), tmp_path / "data")


def written_and_read(items: pd.DataFrame, folder: Path) -> pd.DataFrame:
    write_items(items, folder / "items.csv")
    read = read_table(folder / "items.csv")
    read.attrs[ROOT] = items.attrs[ROOT]
    return read


def test_files_are_found_again(items: pd.DataFrame, tmp_path: Path):
    hidden = hide_items(items)
    assert hidden["image"].tolist() == NAMES
    assert hidden["item"].tolist() == [pseudonym(name) for name in NAMES]
    assert hide_items(hidden)["item"].tolist() == hidden["item"].tolist()
    written = written_and_read(hidden, tmp_path)
    text = (tmp_path / "items.csv").read_text()
    assert not any(part in text for part in ("Jane", "John", "sick", "well"))
    pd.testing.assert_frame_equal(located(written), hidden)
    named = written_and_read(items, tmp_path)
    assert located(named) is named


def test_what_is_not_found_is_counted_without_its_name(items: pd.DataFrame, tmp_path: Path):
    written = written_and_read(hide_items(items), tmp_path)
    (tmp_path / "data" / NAMES[0]).unlink()
    with pytest.raises(DataError, match="files of 1 of 4 images can't be found") as caught:
        located(written)
    assert "Jane" not in str(caught.value)
    (tmp_path / "state" / "salt").unlink()
    with pytest.raises(DataError, match="files of 4 of 4 images can't be found"):
        located(written)


def test_names_are_hidden_in_text(items: pd.DataFrame, tmp_path: Path):
    hide = NamesBelow(tmp_path / "data")
    text = hide(f"{tmp_path}/data/sick/Jane Doe.png is broken; so are a+b and John.png (of 3)")
    assert not any(part in text for part in ("Jane", "John", "a+b", "sick"))
    assert text.startswith(f"{tmp_path}/data/{pseudonym(NAMES[0])} is broken; so are ")
    assert hide("Johnson and 100 others") == "Johnson and 100 others"
    assert NamesBelow(tmp_path / "none")("John.png") == "John.png"

"""Uses of a test set are counted across runs, by what is in the set."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from made import listening

from fastmed.uses import count_use


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTMED_HOME", str(tmp_path / "state"))


def test_uses_are_counted_for_each_test_set():
    assert [count_use("one", "run"), count_use("two", "run"), count_use("one", "other")] == [
        1,
        1,
        2,
    ]


def test_no_use_is_lost_when_several_count():
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda number: count_use("one", str(number)), range(20)))
    assert sorted(counts) == list(range(1, 21))


def test_place_that_cannot_be_written_is_a_warning(tmp_path: Path):
    (tmp_path / "state").write_text("a file")
    with listening() as told:
        assert count_use("one", "run") is None
    assert "the uses of the test set can't be counted in" in told.text

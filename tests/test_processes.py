import pytest

from fastmed.errors import TrainingError
from fastmed.processes import Seat, refuse_several, seat

THERE = {
    "RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "a", "MASTER_PORT": "1",
}  # fmt: skip


def put(monkeypatch: pytest.MonkeyPatch, **values: str | None) -> None:
    for name, value in {**THERE, **values}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)


def test_one_process_is_the_main_one(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, **dict.fromkeys(THERE))
    assert seat() == Seat(0, 0, 1)
    assert seat().main
    refuse_several("This")


def test_torchruns_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch)
    assert seat() == Seat(rank=3, local_rank=1, count=4, local_count=2)
    assert not seat().main


def test_torchrun_with_a_single_process_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, WORLD_SIZE="1", RANK="0", LOCAL_RANK="0")
    assert seat() == Seat()


@pytest.mark.parametrize("missing", ["RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"])
def test_half_a_description_is_refused(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, **{missing: None})
    with pytest.raises(TrainingError, match=rf"4 processes were started, but {missing} is not set"):
        seat()


def test_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, WORLD_SIZE="two")
    with pytest.raises(TrainingError, match="WORLD_SIZE = 'two'"):
        seat()


def test_what_one_process_does_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch)
    with pytest.raises(TrainingError, match=r"`fastmed predict` is done by one process, and 4"):
        refuse_several("`fastmed predict`")

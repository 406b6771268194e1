import os
from pathlib import Path

import pytest

from fastmed.run.checkpoints import (
    Checkpoint,
    checkpoints,
    drop_others,
    drop_unfinished,
    put_in_place,
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "checkpoints").mkdir()
    for epoch in (2, 10, 100):
        kept = Checkpoint(tmp_path, epoch)
        for file in (kept.weights, kept.state, kept.info):
            file.write_text(str(epoch))
    return tmp_path


def epochs(run: Path) -> list[int]:
    return [one.epoch for one in checkpoints(run)]


def test_checkpoints_are_found_in_the_order_of_epochs(run: Path) -> None:
    assert epochs(run) == [2, 10, 100]
    assert checkpoints(run)[0].weights == run / "checkpoints" / "epoch-02.safetensors"
    assert checkpoints(run / "none") == []


def test_weights_alone_are_no_place_to_go_on_from(run: Path) -> None:
    kept = Checkpoint(run, 10)
    assert kept.resumable
    kept.drop_state()
    assert not kept.resumable
    assert kept.weights.is_file()
    assert not kept.state.exists()


def test_others_are_dropped_with_all_their_files(run: Path) -> None:
    drop_others(run, [10, 11])
    assert sorted(file.name for file in (run / "checkpoints").iterdir()) == [
        "epoch-10.json", "epoch-10.safetensors", "epoch-10.state.safetensors",
    ]  # fmt: skip


def test_weights_get_a_second_name(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, place = Checkpoint(run, 2).weights, run / "model.safetensors"
    place.write_text("before")
    put_in_place(source, place)
    assert place.read_text() == "2"
    put_in_place(source, place)
    assert place.read_text() == source.read_text() == "2"
    put_in_place(Checkpoint(run, 10).weights, place)
    assert (source.read_text(), place.read_text()) == ("2", "10")

    def no_links(*names: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", no_links)
    put_in_place(source, place)
    assert place.read_text() == "2"
    assert place.stat().st_ino != source.stat().st_ino
    assert not list(run.glob(".*"))


def test_what_killed_writers_left_goes(run: Path) -> None:
    for place in (run / ".run.json.7.tmp", run / "checkpoints" / ".epoch-03.json.7.tmp"):
        place.write_text("half")
    drop_unfinished(run)
    assert not [*run.glob(".*"), *(run / "checkpoints").glob(".*")]
    assert epochs(run) == [2, 10, 100]

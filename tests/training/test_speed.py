"""The quickest way of steps is measured once, told, kept, and taken by the training."""

import json
from pathlib import Path

import pytest
import torch
from conftest import tiny_task
from fastai.callback.core import Callback
from made import listening

from fastmed.run import Run
from fastmed.training import speed
from fastmed.training.resume import resume
from fastmed.training.train import train

LAST = speed.Way(channels_last=True)
FOUND = speed.Found(LAST, 8, {speed.Way(): 0.5, LAST: 0.25})


class Layout(Callback):
    """Notes how images are laid out, and stops after an epoch if it is told to."""

    def __init__(self, stop: bool = False) -> None:
        self.last: set[bool] = set()
        self.stop = stop

    def after_pred(self) -> None:
        self.last.add(self.x.is_contiguous(memory_format=torch.channels_last))

    def after_epoch(self) -> None:
        if self.stop:
            raise KeyboardInterrupt


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """How many steps the trainings had of which steps were measured; other state is kept."""
    steps: list[int] = []

    def quickest(learn: object, task: object, count: int) -> speed.Found:
        steps.append(count)
        return FOUND

    monkeypatch.setattr(speed, "quickest_way", quickest)
    monkeypatch.setenv("FASTMED_HOME", str(tmp_path / "home"))
    return steps


def trained(phantoms: dict, runs: Path, watch: Layout, **changes: object) -> Run:
    task = tiny_task("lungs", train__epochs=2, **changes)
    return train(task, phantoms["lungs"], runs=runs, device="cpu", workers=0, told=[watch])


def test_it_is_measured_once_told_and_taken(
    measured: list[int], phantoms: dict, tmp_path: Path
) -> None:
    with listening() as told:
        run = trained(phantoms, tmp_path, watch := Layout())
    assert "fp32, channels last (fp32: 500 ms, fp32, channels last: 250 ms for 8 images)" in (
        told.text
    )
    assert run.info["speed"] == FOUND.to_json()
    assert watch.last == {True}
    count = len(run.items.query("split == 'train'"))
    assert measured == [2 * (count // run.task.train.batch)]
    again = trained(phantoms, tmp_path / "more", Layout())
    assert again.info["speed"] == run.info["speed"]
    assert len(measured) == 1
    trained(phantoms, tmp_path / "other", Layout(), train__batch=16)
    assert len(measured) == 2


def test_what_was_kept_and_is_damaged_is_measured_again(
    measured: list[int], phantoms: dict, tmp_path: Path
) -> None:
    trained(phantoms, tmp_path, Layout())
    (kept,) = (tmp_path / "home" / "speed").glob("*.json")
    assert json.loads(kept.read_text())["about"]["arch"] == "test_resnet"
    kept.write_text('{"found": {}}')
    trained(phantoms, tmp_path / "more", Layout())
    assert len(measured) == 2


def test_a_plain_training_is_not_measured(
    measured: list[int], phantoms: dict, tmp_path: Path
) -> None:
    run = trained(phantoms, tmp_path, watch := Layout(), train__speed="plain")
    assert measured == []
    assert "speed" not in run.info
    assert watch.last == {False}


def test_resuming_goes_on_in_the_same_way(
    measured: list[int], phantoms: dict, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(phantoms, tmp_path, Layout(stop=True))
    (folder,) = (tmp_path / "lungs").iterdir()
    (tmp_path / "home" / "speed").rename(tmp_path / "gone")
    resume(folder, told=[watch := Layout()])
    assert watch.last == {True}
    assert len(measured) == 1

from pathlib import Path

import pytest
from conftest import tiny_task

from fastmed.learn.fitting import progress
from fastmed.training.train import train


def test_a_log_file_gets_one_plain_line_an_epoch(
    phantoms: dict, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    run = train(tiny_task("lungs"), phantoms["lungs"], runs=tmp_path, device="cpu", workers=0)
    said = capsys.readouterr().out
    lines = [line for line in said.splitlines() if line.startswith("Epoch ")]
    assert [line.partition(":")[0] for line in lines] == ["Epoch 1/2", "Epoch 2/2"]
    assert lines[0].endswith(" *")
    assert f"macro_f1 {run.history['macro_f1'][1]:.3f}" in lines[1]
    assert "\x1b" not in said
    assert "\r" not in said


def test_a_terminal_gets_a_table_with_the_best_epoch_marked(
    phantoms: dict, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    task = tiny_task("lungs", train__schedule="constant", train__lr=1e-7, train__epochs=2)
    run = train(task, phantoms["lungs"], runs=tmp_path, device="cpu", workers=0)
    said = capsys.readouterr().out
    assert "valid loss" in said
    assert "* best epoch, by macro_f1" in said
    rows = [line for line in said.splitlines() if f"{run.history['valid_loss'][0]:.3f}" in line]
    assert any("*" in row for row in rows) == (run.info["best_epoch"] == 1)

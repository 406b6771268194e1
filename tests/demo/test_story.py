from pathlib import Path

import pytest

from fastmed.cli import main
from fastmed.demo.phantoms import PHANTOMS
from fastmed.demo.story import DEMOS, demo_folders, demo_task
from fastmed.errors import TaskError
from fastmed.evaluation import saved_scores
from fastmed.run import Run

# Well above chance, which is 0.5, a third, a ninth, a third and a kappa of 0.
LEARNT = {
    "cardiomegaly": ("accuracy", 0.80),
    "lungs": ("accuracy", 0.65),
    "histology": ("accuracy", 0.70),
    "pneumonia": ("accuracy", 0.65),
    "retinopathy": ("kappa", 0.50),
}


def test_every_phantom_has_a_demo_with_valid_settings() -> None:
    assert set(DEMOS) == set(PHANTOMS) == set(LEARNT)
    for name in DEMOS:
        task = demo_task(name, seed=3)
        assert not task.train.pretrained
        assert (task.train.seed, task.split.seed) == (3, 3)


def test_unknown_demo_names_the_nearest() -> None:
    with pytest.raises(TaskError, match="no demo of 'lung'; did you mean 'lungs'"):
        demo_task("lung")


@pytest.mark.slow
def test_folders_are_made_once_and_hold_other_patients(tmp_path: Path) -> None:
    known, new = demo_folders("lungs", tmp_path)
    before = {path: path.stat().st_mtime_ns for path in known.rglob("*.png")}
    assert demo_folders("lungs", tmp_path) == (known, new)
    assert {path: path.stat().st_mtime_ns for path in known.rglob("*.png")} == before
    pictures = {path.read_bytes() for path in before}
    assert not pictures & {path.read_bytes() for path in new.rglob("*.png")}


@pytest.mark.slow
@pytest.mark.parametrize("name", DEMOS)
def test_demo_learns_what_new_patients_show(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(["demo", name])
    assert stopped.value.code == 0
    run = Run.newest("demo/runs", name)
    metric, least = LEARNT[name]
    assert saved_scores(run)["new"]["overall"][metric] > least
    assert (run.figures / "valid_top_losses.png").is_file()
    assert "New patients, never seen in training" in capsys.readouterr().out

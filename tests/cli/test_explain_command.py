"""`fastmed explain` and `fastmed interpret --heatmaps`."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from fastmed.run import Run

CPU = ("--device", "cpu")


def test_explain_prints_the_prediction_and_writes_a_figure(
    command: Callable, trained: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = trained["lungs"]
    item = run.predictions("valid")["item"].iloc[0]
    said = command("explain", run.data / item, "--run", run.path, "--method", "hirescam", *CPU)
    assert said.code == 0, said.err
    assert "predicted" in said.out
    assert "chose the epoch" in said.err
    (figure,) = tmp_path.iterdir()
    assert figure.name == f"{Path(item).stem}-hirescam.png"
    with Image.open(figure) as picture:
        assert picture.size[0] > 500


@pytest.mark.parametrize("words, sentence", [
    (("missing.png",), "there is no file 'missing.png'"),
    (("x.png", "--method", "gradcm"), "no method of heat maps 'gradcm'; did you mean 'gradcam'?"),
    (("x.png", "--class", "healty"), "there is no class 'healty'; did you mean 'healthy'?"),
    (("x.png", "--out", "x.jpg"), "a figure is written as PNG"),
])  # fmt: skip
def test_explain_refuses_in_one_sentence(
    command: Callable, trained: dict[str, Run], words: tuple, sentence: str
) -> None:
    said = command("explain", *words, "--run", trained["lungs"].path, *CPU)
    assert said.code == 1
    assert said.err.startswith("Error: ")
    assert sentence in said.err


@pytest.fixture
def only_heatmaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the scores and figures that `interpret` shows before."""
    monkeypatch.setattr("fastmed.cli.tables.print_interpretation", lambda *_: None)


@pytest.mark.usefixtures("only_heatmaps")
def test_interpret_draws_heat_maps_and_prints_checks(
    command: Callable, own_run: Callable[[str], Run]
) -> None:
    run = own_run("pneumonia")
    wanted = ("--heatmaps", 2, "--sanity", "--faithfulness", "--pointing")
    said = command("interpret", run.path, *wanted, *CPU)
    assert said.code == 0, said.err
    for told in ("rank correlation", "deletion", "hottest place", "centre of the square"):
        assert told in said.out
    assert "not where disease is" in said.err
    assert len([*(run.path / "heatmaps").glob("*.png")]) == 2


@pytest.mark.usefixtures("only_heatmaps")
@pytest.mark.parametrize("words, sentence", [
    (("--sanity",), "--sanity has no effect without --heatmaps N"),
    (("--method", "occlusion"), "--method has no effect without --heatmaps N"),
    (("--heatmaps", 2, "--boxes", "x.csv"), "--boxes has no effect without --pointing"),
    (("--heatmaps", 2, "--method", "gradcm"), "did you mean 'gradcam'?"),
    (("--heatmaps", 2, "--pointing"), "names no table of boxes"),
])  # fmt: skip
def test_options_without_effect_are_refused(
    command: Callable, own_run: Callable[[str], Run], words: tuple, sentence: str
) -> None:
    run = own_run("lungs")
    said = command("interpret", run.path, *words, *CPU)
    assert said.code == 1
    assert sentence in said.err
    assert not (run.path / "heatmaps").exists()

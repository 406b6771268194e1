from collections.abc import Callable
from pathlib import Path

import pytest

SMALL = ("--set", "image.size=24", "--no-cache")


def test_convert_writes_says_what_and_does_nothing_the_second_time(
    phantoms: dict[str, Path], tmp_path: Path, command: Callable
) -> None:
    words = ("convert", "lungs", "--data", phantoms["lungs"], "--out", tmp_path / "out", *SMALL)
    said = command(*words)
    assert said.code == 0
    for table in ("items.csv", "unlabelled.csv"):
        assert table in said.out
        assert (tmp_path / "out" / table).is_file()
    out = tmp_path / "out"
    assert f"Next: fastmed train lungs --tasks {out / 'tasks.toml'} --data {out}" in said.err
    again = command(*words)
    assert again.code == 0
    assert "nothing was written" in again.err


def test_labelled_only_and_jpeg(phantoms: dict, tmp_path: Path, command: Callable) -> None:
    words = ("--format", "jpeg", "--quality", 80, "--labelled-only", "--original-size", *SMALL)
    out = tmp_path / "out"
    assert command("convert", "lungs", "--data", phantoms["lungs"], "--out", out, *words).code == 0
    assert not (out / "unlabelled.csv").exists()
    assert {path.suffix for path in (out / "images").rglob("*.*")} == {".jpg"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--quality", 80), (1, "the quality has no effect on PNG")),
        (("--quality", 0), (2, "greater than or equal to 1")),
        (("--format", "gif"), (2, "is not one of")),
        (("--data", "nowhere"), (1, "there is no data folder nowhere")),
    ],
)
def test_mistakes_are_told(
    words: tuple, expected: tuple, phantoms: dict, tmp_path: Path, command: Callable
) -> None:
    data = () if "--data" in words else ("--data", phantoms["lungs"])
    said = command("convert", "lungs", *data, "--out", tmp_path / "out", *SMALL, *words)
    code, sentence = expected
    assert said.code == code
    assert sentence in " ".join(said.err.split())
    assert not (tmp_path / "out").exists()


def test_out_is_needed(command: Callable) -> None:
    assert command("convert", "lungs").code == 2

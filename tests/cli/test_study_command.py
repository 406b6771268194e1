import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SMALL = ("--set", "image.size=32", "--no-cache", "--samples", 2)


@pytest.mark.slow
def test_study_writes_a_page_and_says_what_stands_out(
    phantoms: dict[str, Path],
    tmp_path: Path,
    command: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "pneumonia").symlink_to(phantoms["pneumonia"])
    said = command("study", "pneumonia", "--by", "format", *SMALL)
    assert said.code == 0
    assert "Lung Opacity" in said.out
    assert f"Page {Path('studies', 'pneumonia', 'index.html')}" in said.err
    assert "patients are known" in said.err
    page = (tmp_path / "studies" / "pneumonia" / "index.html").read_text()
    assert 'id="by-format"' in page
    assert (tmp_path / "studies" / "pneumonia" / "figures" / "by-meta_age.png").is_file()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--by", "viev"), "there is no column 'viev' to break down by"),
        (("--set", "image.sise=3"), "did you mean 'size'"),
        (("--data", "nowhere"), "there is no data folder nowhere"),
    ],
)
def test_mistakes_are_one_sentence(
    words: tuple, sentence: str, phantoms: dict, tmp_path: Path, command: Callable
) -> None:
    data = () if "--data" in words else ("--data", phantoms["lungs"])
    out = ("--out", tmp_path / "out")
    said = command("study", "lungs", *data, *out, *SMALL, *words)
    assert said.code == 1
    assert said.err.count("Error: ") == 1
    assert sentence in said.err
    assert not (tmp_path / "out").exists()


def test_study_and_conversion_load_no_torch() -> None:
    program = (
        "import sys\nimport fastmed.conversion, fastmed.data_study.page\n"
        "print({'torch', 'fastai', 'timm'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"

"""Rules of the house that no linter knows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastmed

PACKAGE = Path(fastmed.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
RUNS_CODE = re.compile(
    r"torch\.load|pickle\.|import pickle|joblib|extractall|yaml\.load|load_learner"
)


def named(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_module_is_short(module: Path) -> None:
    lines = module.read_text(encoding="utf-8").count("\n")
    assert lines < 300, "a module past 300 lines is asking to be two"


def test_files_are_read_without_running_code_of_theirs() -> None:
    """Only one module reads weights, and tells torch to refuse anything else."""
    lines = [
        (named(module), line.strip())
        for module in MODULES
        for line in module.read_text(encoding="utf-8").splitlines()
        if RUNS_CODE.search(line)
    ]
    readers = [line for name, line in lines if name == "learn/network/pickled.py"]
    assert [line for name, line in lines if name != "learn/network/pickled.py"] == []
    assert readers
    assert all("weights_only=True" in line for line in readers)


def test_numpy_never_unpickles() -> None:
    for module in MODULES:
        for call in re.findall(r"np\.load\([^)]*\)", module.read_text(encoding="utf-8")):
            assert "allow_pickle=False" in call


def test_fastais_own_reader_of_dicom_is_left_alone() -> None:
    for module in MODULES:
        assert "fastai.medical" not in module.read_text(encoding="utf-8")


def test_imports_run_one_way() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command], cwd=PACKAGE.parent, capture_output=True, text=True, check=False
    )
    assert "0 broken" in done.stdout, done.stdout

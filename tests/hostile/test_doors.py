"""One weights loader, one extractor: what runs code or unpacks stands nowhere else."""

import re
from pathlib import Path

import pytest

import fastmed

PACKAGE = Path(fastmed.__file__).parent
DOORS = {
    r"torch\.load\(": {"learn/network/pickled.py"},
    r"\bload_file\(|\bsafe_open\(": {"learn/network/weights.py", "familiarity/likeness.py"},
    r"\bimport (c?[Pp]ickle|dill|joblib|shelve|marshal)\b|from (pickle|joblib|dill)\b": set(),
    r"allow_pickle=True|load_learner\(|(?<!torch\.export)(?<!torch\.onnx)\.export\(": set(),
    r"\.extractall\(|\.extract\(|unpack_archive\(": set(),
    r"yaml\.(unsafe_)?load\(": set(),
    r"(?<!\.)\beval\(|\bexec\(|os\.system\(|shell=True": {"learn/network/own_code.py"},
}


@pytest.mark.parametrize("pattern", DOORS)
def test_nothing_else_opens_what_may_run_code(pattern: str) -> None:
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(re.search(pattern, line) for line in code_of(path))
    }
    assert found == DOORS[pattern]


def code_of(path: Path) -> list[str]:
    """Return the lines of a module without its strings in three quotes and its comments."""
    text = re.sub(r'""".*?"""', "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [line.partition("  #")[0] for line in text.splitlines()]

"""Each planted defect makes its own check fire, and no other."""

import shutil
from pathlib import Path

import pytest
from audited import found, made_task, write_clean
from planted import PLANTED

from fastmed.auditing import telling

QUICK = ("L3", "L4", "L5", "Q1")  # what needs images; tables are tested by themselves


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clean(tmp_path_factory.mktemp("audited") / "clean")


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "TREES", 15)


def test_clean_is_clean(clean: Path) -> None:
    assert found(made_task(), clean) == {}


@pytest.mark.parametrize(
    "id, severity, plant, changes",
    [pytest.param(*one, marks=[] if one[0] in QUICK else [pytest.mark.slow]) for one in PLANTED],
    ids=[f"{one[0]}-{one[2].__name__}" for one in PLANTED],
)
def test_planted_defect_is_the_only_finding(  # noqa: PLR0917
    id: str, severity: str, plant, changes: dict, clean: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(clean, tmp_path / "data"))
    plant(root)
    findings = found(made_task(**changes), root)
    assert {name: one.severity for name, one in findings.items()} == {id: severity}

"""`fastmed audit`: table, JSON, page, exit codes, and a cache that is used."""

import json
from pathlib import Path

import pytest
import tomli_w
from audited import made_task, rows_of, write_clean, write_rows

from fastmed.auditing import measuring, telling
from fastmed.auditing.story import audit

CANARY = "CANARY-IN-A-TEXT"


@pytest.fixture(scope="module")
def flawed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with an identical image of another label, and a text that names a person."""
    from PIL import Image, PngImagePlugin

    root = write_clean(tmp_path_factory.mktemp("flawed") / "data")
    (root / "images" / "<b>x.png").write_bytes((root / "images" / "0001.png").read_bytes())
    rows = rows_of(root)
    rows.loc[len(rows)] = ["<b>x.png", "no", "q", "train"]
    write_rows(root, rows)
    note = PngImagePlugin.PngInfo()
    note.add_text("Author", CANARY)
    file = root / "images" / "0007.png"
    Image.open(file).save(file, pnginfo=note)
    return root


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "TREES", 10)


def test_command(flawed: Path, tmp_path: Path, command, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FASTMED_CACHE", str(tmp_path / "cache"))
    table = made_task().model_dump(mode="json", exclude_none=True, exclude={"name"})
    (tmp_path / "tasks.toml").write_text(tomli_w.dumps({"small": table}), encoding="utf-8")
    options = ("small", "--tasks", tmp_path / "tasks.toml", "--data", flawed)
    files = ("--json", tmp_path / "a.json", "--html", tmp_path / "a.html")
    said = command("audit", *options, *files)
    assert said.code == 4, said.err
    assert "L5" in said.out
    assert "1 error, 1 warning, 1 remark, of" in said.err
    found = json.loads((tmp_path / "a.json").read_text())
    assert (found["schema_version"], found["exit_code"], found["images"]) == (1, 4, 61)
    assert [one["id"] for one in found["findings"]] == ["L5", "P1", "S3"]
    assert found["findings"][0]["examples"] == [["images/0001.png", "images/<b>x.png"]]
    assert len(found["checks"]) == 25
    page = (tmp_path / "a.html").read_text()
    assert page.count("data:image/jpeg") == 2
    assert "&lt;b&gt;x.png" in page
    assert "<b>x.png" not in page
    assert "<script" not in page
    for text in (said.out, said.err, page, (tmp_path / "a.json").read_text()):
        assert CANARY not in text
    assert "audit-" in command("cache").out
    again = command("audit", *options, "--accept", "L5=known", "--accept", "L3=x")
    assert again.code == 3
    assert "L5 is accepted: known" in again.err
    assert "L3 found nothing" in again.err
    refused = command("audit", *options, "--accept", "L5")
    assert (refused.code, "needs a reason" in refused.err) == (1, True)


def test_second_audit_measures_nothing(flawed: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("FASTMED_CACHE", str(tmp_path / "cache"))
    first = audit(made_task(), flawed)
    monkeypatch.setattr(measuring, "measured", lambda *_: pytest.fail("measured anew"))
    assert audit(made_task(), flawed).to_json() == first.to_json()

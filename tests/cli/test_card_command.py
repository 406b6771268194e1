from collections.abc import Callable
from pathlib import Path

from fastmed.files import read_json
from fastmed.run import Run


def test_card_is_printed_and_written(
    command: Callable, trained: dict[str, Run], tmp_path: Path
) -> None:
    file, run = tmp_path / "card.json", trained["lungs"]
    said = command("card", run.path, "--json", file)
    assert said.code == 0, said.err
    assert "no-test" in said.out
    assert "not a medical device" in said.err
    found = read_json(file)
    assert found["card"]["schema_version"] == 1
    assert {*found["checklists"]} == {"claim", "tripod-ai", "stard-ai"}


def test_items_of_a_checklist_are_printed(
    command: Callable, trained: dict[str, Run], tmp_path: Path
) -> None:
    answers = tmp_path / "mine.toml"
    answers.write_text("[claim]\n44 = 'a foundation'", encoding="utf-8")
    run = trained["lungs"]
    said = command("card", "--runs", run.path.parent.parent, "--checklist", "claim")
    assert said.code == 0, said.err
    assert "10.1148/ryai.240300" in said.err
    said = command("card", run.path, "--checklist", "claim", "--answers", answers)
    assert "a foundation" in said.out
    assert "USER, open" in said.out


def test_wrong_names_are_one_sentence(command: Callable, trained: dict[str, Run]) -> None:
    said = command("card", trained["lungs"].path, "--checklist", "clam")
    assert said.code == 1
    assert said.err.strip() == "Error: there is no checklist 'clam'; did you mean 'claim'?"

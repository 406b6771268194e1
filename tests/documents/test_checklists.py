"""The checklists: whole, each item in a state that the run bears out."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from made_card import LISTS, add_set, change_items

import fastmed
from fastmed.documents.blanks import BLANKS
from fastmed.documents.checklists import CHECKLISTS
from fastmed.errors import RunError
from fastmed.files import read_json, write_json
from fastmed.run import Run

# How many numbered items, and how many rows with sub-items, the publications have.
SIZES = {"claim": (44, 44), "tripod-ai": (27, 52), "stard-ai": (40, 48)}


@pytest.mark.parametrize("name", LISTS)
def test_every_item_is_there_once(name: str) -> None:
    listed = CHECKLISTS[name]
    numbers = listed.numbers
    mains = [int(re.match(r"\d+", number)[0]) for number in numbers]
    items, rows = SIZES[name]
    assert len(numbers) == len(set(numbers)) == rows
    assert list(dict.fromkeys(mains)) == [*range(1, items + 1)]
    assert numbers == sorted(numbers, key=lambda one: (int(re.match(r"\d+", one)[0]), one))
    for item in listed.items:
        letters = [
            one for one in numbers if re.match(r"\d+", one)[0] == item.number.rstrip("abcdefg")
        ]
        assert len(letters) == 1 or [one[-1] for one in letters] == list("abcdefg")[: len(letters)]
        assert {*item.blanks} <= {*BLANKS}
        assert item.rule or item.blanks, "an item that no one could answer"
        assert len(item.asks) < 70
    assert listed.doi in ("10.1148/ryai.240300", "10.1136/bmj-2023-078378",
                          "10.1038/s41591-025-03953-8")  # fmt: skip


def test_every_blank_belongs_to_an_item_or_the_card() -> None:
    asked = {key for listed in CHECKLISTS.values() for item in listed.items for key in item.blanks}
    assert {*BLANKS} - asked == {"out_of_scope", "contact"}


def states(run: Run | Path, name: str) -> dict[str, str]:
    return {item["number"]: item["state"] for item in fastmed.checklist(run, name)["items"]}


def at(card: dict, pointer: str) -> object:
    """Return what a JSON pointer (RFC 6901) leads to."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        card = card[int(key)] if isinstance(card, list) else card[key]
    return card


@pytest.mark.parametrize("task", ["pneumonia", "retinopathy", "histology"])
def test_pointers_lead_to_answers(own_run: Callable[[str], Run], task: str) -> None:
    run = own_run(task)
    add_set(run, "test", test_uses=1)
    card = fastmed.card(run)
    for limit in card["limits"]:
        at(card, limit["about"])
    for name in LISTS:
        found = fastmed.checklist(run, name)
        for item in found["items"]:
            assert (item["state"] == "N/A") == (item["reason"] is not None)
            if item["state"] == "AUTO":
                assert item["answer"]
                assert at(card, item["pointer"]) not in (None, {}, [], "")
            if item["known"]:
                at(card, item["pointer"])
            if item["open"]:
                assert item["write"]
        assert sum(found["counts"][state] for state in ("AUTO", "USER", "N/A")) == SIZES[name][1]
        assert json.loads(json.dumps(found)) == found


def test_states_follow_the_run(own_run: Callable[[str], Run]) -> None:
    run = own_run("pneumonia")
    run.forget("audit")
    before = states(run, "claim")
    assert [before[number] for number in ("20", "32", "35", "37", "38")] == [
        "AUTO", "USER", "AUTO", "USER", "USER",
    ]  # fmt: skip
    assert states(run, "tripod-ai")["7"] == "USER"
    assert states(run, "stard-ai")["29"] == "N/A"

    add_set(run, "test", test_uses=1)
    add_set(run, "elsewhere")
    run.update(audit={"findings": []})
    after = states(run, "claim")
    assert {number: after[number] for number in after if after[number] != before[number]} == {
        "32": "AUTO", "37": "AUTO", "38": "AUTO",
    }  # fmt: skip
    assert states(run, "tripod-ai")["7"] == "AUTO"
    assert states(run, "stard-ai")["29"] == "USER"

    change_items(run, lambda table: table.assign(group=""))
    without = states(run, "claim")
    assert (without["20"], without["35"]) == ("USER", "USER")

    scores = read_json(run.path / "scores.json")
    bare = {name: {**one, "intervals": None} for name, one in scores.items()}
    write_json(run.path / "scores.json", bare)
    assert states(run, "claim")["29"] == states(run, "claim")["37"] == "USER"


def test_severity_is_known_of_grades(trained: dict[str, Run]) -> None:
    assert states(trained["retinopathy"], "stard-ai")["26a"] == "AUTO"
    assert states(trained["pneumonia"], "stard-ai")["26a"] == "USER"


ANSWERS = """
[card]
funding = "none"
data_availability = "on request"

[claim]
19 = "drawn anew for this study"
27 = "the mean of three"
34 = { not_applicable = "no trial" }
"""


def test_answers_fill_what_is_open(own_run: Callable[[str], Run]) -> None:
    run = own_run("lungs")
    (run.path / "card.toml").write_text(ANSWERS, encoding="utf-8")
    items = {item["number"]: item for item in fastmed.checklist(run, "claim")["items"]}
    assert (items["44"]["state"], items["44"]["open"], items["44"]["answer"]) == (
        "USER", False, "none",
    )  # fmt: skip
    assert items["43"]["open"], "one of two blanks is not all"
    assert (items["19"]["state"], items["19"]["note"]) == ("AUTO", "drawn anew for this study")
    assert (items["27"]["state"], items["27"]["answer"]) == ("USER", "the mean of three")
    assert (items["34"]["state"], items["34"]["reason"]) == ("N/A", "no trial")
    others = {item["number"]: item for item in fastmed.checklist(run, "tripod-ai")["items"]}
    assert others["18a"]["answer"] == others["18a"]["answer"] == "none"
    assert fastmed.card(run)["blanks"]["funding"]["answer"] == "none"
    assert fastmed.card(run)["blanks"]["ethics"]["answer"] is None


@pytest.mark.parametrize(("text", "said"), [
    ("[card]\nfundign = 'x'", "did you mean 'funding'"),
    ("[card]\nfunding = 3", "is not a text"),
    ("[card]\nfunding = ' '", "is not a text"),
    ("[clam]\n1 = 'x'", "did you mean 'claim'"),
    ("claim = 'x'", "expected the table"),
    ("[claim]\n45 = 'x'", "is no item of this checklist"),
    ("[tripod-ai]\n3d = 'x'", "is no item of this checklist"),
    ("[claim]\n1 = {na = 'x'}", "not_applicable"),
    ("[claim", "not valid TOML"),
])  # fmt: skip
def test_wrong_answers_are_refused(trained: dict[str, Run], tmp_path: Path, text: str, said: str
) -> None:  # fmt: skip
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=re.escape(said)):
        fastmed.card(trained["lungs"], file)


def test_missing_answers_are_refused(trained: dict[str, Run], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such file"):
        fastmed.card(trained["lungs"], tmp_path / "none.toml")
    with pytest.raises(RunError, match="did you mean 'stard-ai'"):
        fastmed.checklist(trained["lungs"], "stardai")

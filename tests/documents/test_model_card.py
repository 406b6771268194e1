"""The card of a run: its facts against the items themselves, and what must not stand in it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import tiny_task
from made_card import LISTS, add_set, change_items
from pages import read, rows

import fastmed
from fastmed.data.tables import write_table
from fastmed.documents.blanks import BLANKS
from fastmed.documents.metadata_section import metadata_section
from fastmed.documents.split_section import given_parts
from fastmed.errors import RunError
from fastmed.files import read_json, write_json
from fastmed.run import Run

CANARY = "CANARY"


def test_counts_are_those_of_the_items(own_run: Callable[[str], Run]) -> None:
    run = own_run("lungs")
    items = run.items
    first = items[items["split"] == "train"].index[:3]

    def leave_out(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[first, "split"] = "left_out"
        table.loc[first, "note"] = ["no file", "cannot decode /home/me/x.png", ""]
        table.loc[first[:2], "content"] = ""
        return table

    change_items(run, leave_out)
    found = fastmed.card(run)["data"]
    items = run.items
    for part in ("train", "valid"):
        of_part = items[items["split"] == part]
        alone = (of_part["group"] == "").sum()
        expected = {
            "images": len(of_part),
            "patients": of_part.loc[of_part["group"] != "", "group"].nunique() + alone,
        }
        assert found["flow"]["parts"][part] == expected
        for name, of_class in of_part.groupby("target"):
            assert found["classes"][name]["parts"][part]["images"] == len(of_class)
    assert found["flow"]["found"]["images"] == len(items)
    reasons = {one["reason"]: one["images"] for one in found["flow"]["left_out"]["reasons"]}
    assert reasons == {"no file": 1, "can't be read": 1, "left out by the data set itself": 1}
    assert found["root_hash"] == run.lock.root


def test_level_of_the_split_is_what_the_items_show(own_run: Callable[[str], Run]) -> None:
    run = own_run("pneumonia")
    assert fastmed.card(run)["data"]["split"]["level"] == "patient"
    items = run.items
    train, valid = (items[items["split"] == part].index[0] for part in ("train", "valid"))
    change_items(run, lambda table: table.assign(
        group=table["group"].mask(table.index == train, items.loc[valid, "group"])
    ))  # fmt: skip
    card = fastmed.card(run)
    assert card["data"]["patients"]["in_several_parts"] == 1
    assert card["data"]["split"]["level"] == "image"
    assert "patients-shared" in limits(card)
    change_items(run, lambda table: table.assign(group=""))
    card = fastmed.card(run)
    assert card["data"]["flow"]["found"]["patients"] is None
    assert "patients-unknown" in limits(card)


def limits(card: dict) -> set[str]:
    return {limit["id"] for limit in card["limits"]}


@pytest.mark.parametrize(("images", "found"), [
    (["train/COVID/a.png", "val/COVID/b.png", "Test/x/c.png"], ["valid", "test"]),
    (["COVID/a.png", "COVID/test/b.png"], []),
])  # fmt: skip
def test_given_parts_of_folders(images: list[str], found: list[str]) -> None:
    task = tiny_task("cardiomegaly", source={"kind": "folders"})
    items = pd.DataFrame({"image": images, "array": "", "origin": "main"})
    assert given_parts(items, task).parts == found


def test_given_parts_of_arrays_and_tables(trained: dict[str, Run]) -> None:
    run = trained["histology"]
    split = fastmed.card(run)["data"]["split"]
    assert (split["given"], split["drawn"]) == (["test"], ["valid"])
    table = tiny_task("lungs", source__part="fold")
    assert given_parts(trained["lungs"].items, table).parts is None


def test_metadata_tells_of_no_one() -> None:
    """Each patient counts once; what few have is not named; no smallest or largest is told."""
    ages = [20, 30, 40, 50, 60, 99]
    items = pd.DataFrame({
        "item": [f"i{n}" for n in range(12)],
        "group": [f"p{n // 2}" for n in range(12)],
        "split": "train",
        "meta_age": np.repeat(ages, 2),
        "meta_sex": ["F"] * 10 + ["M"] * 2,
        "meta_name": [f"{CANARY} {n}" for n in range(12)],
    })  # fmt: skip
    found = metadata_section(items, tiny_task("lungs"))
    age = found["age"]["parts"]["train"]
    assert age["n"] == age["known"] == 6
    assert age["mean"] == pytest.approx(np.mean(ages), abs=1e-4)
    assert age["median"] == np.median(ages)
    assert 99 not in age.values()
    assert found["sex"]["parts"]["train"]["values"] == {"F": 5}
    assert found["sex"]["parts"]["train"]["others"] == 1
    assert CANARY not in json.dumps(found)
    few = metadata_section(items.head(6), tiny_task("lungs"))
    assert few["age"]["parts"]["train"]["mean"] is None


def test_no_name_of_a_file_or_a_patient(own_run: Callable[[str], Run]) -> None:
    run = own_run("pneumonia")

    def planted(table: pd.DataFrame) -> pd.DataFrame:
        for column in ("item", "image", "group", "meta_view", "meta_manufacturer"):
            table[column] = [f"{CANARY}-{column}-{n}" for n in range(len(table))]
        table.loc[:1, "split"] = "left_out"
        table.loc[:1, "note"] = [f"/home/{CANARY}: broken", CANARY]
        table.loc[:1, "content"] = ""
        return table

    change_items(run, planted)
    add_set(run, f"{CANARY}-hospital", test_uses=1)
    secret = [{"id": "L3", "severity": "ERROR", "sentence": "s", "rows": [CANARY], "count": 1}]
    run.update(audit={"findings": secret}, inputs={CANARY: f"../{CANARY}.csv"}, reason=CANARY)
    task = read_json(run.path / "task.json")
    task["source"]["file"] = f"{CANARY}.csv"
    task["train"] |= {"weights": f"/home/{CANARY}.pth", "pretrained": True}
    task["train"]["loss"] = f"{CANARY}.py:own"
    write_json(run.path / "task.json", task)
    card = fastmed.card(run.path)
    text = json.dumps([card, *(fastmed.checklist(run.path, name) for name in LISTS)])
    assert CANARY not in text
    assert str(run.path.parent) not in text
    assert "/home" not in text
    assert {*card["results"]["sets"]} == {"valid", "external-1"}
    assert card["audit"]["findings"][0]["id"] == "L3"


def test_limits_follow_the_run(own_run: Callable[[str], Run]) -> None:
    run = own_run("pneumonia")
    run.forget("audit")
    before = limits(fastmed.card(run))
    assert {"no-test", "no-external", "not-audited", "small-valid", "one-training"} <= before
    add_set(run, "test", test_uses=3)
    add_set(run, "elsewhere")
    found = [{"id": "S1", "severity": "WARN", "sentence": "told.", "title": "t", "count": 4}]
    run.update(audit={"findings": found, "accepted": {"S1": "looked at"}})
    card = fastmed.card(run)
    after = limits(card)
    assert {"test-reused", "audit-S1", "audited-in-part"} <= after
    assert not {"no-test", "no-external", "not-audited"} & after
    told = {limit["id"]: limit["sentence"] for limit in card["limits"]}
    assert "3 times" in told["test-reused"]
    assert "Accepted: looked at" in told["audit-S1"]
    add_set(run, "test", test_uses=1)
    assert "test-reused" not in limits(fastmed.card(run))


def test_older_runs_have_cards(own_run: Callable[[str], Run]) -> None:
    """Without a lock, a calibration, an audit, scores or a history."""
    run = own_run("retinopathy")
    run.forget(
        "audit", "data_root", "calibration", "operating_points", "cut_points", "scale", "best_epoch"
    )
    run.update(status="interrupted")
    for name in ("data.lock", "scores.json", "history.csv", "model.safetensors"):
        (run.path / name).unlink(missing_ok=True)
    card = fastmed.card(run)
    assert card["results"]["sets"] == {}
    assert card["network"]["weights_sha256"] is None
    assert {"not-calibrated", "unfinished", "no-test"} <= limits(card)


@pytest.mark.parametrize(("file", "change"), [
    ("scores.json", {"valid": 3}),
    ("scores.json", {"test": {"n": 1, "overall": ["auroc"]}}),
    ("scores.json", {"test": {"n": 1, "intervals": {"overall": {"auroc": "wide"}}}}),
    ("run.json", {"parameters": "many"}),
    ("run.json", {"calibration": {"temperature": "hot"}}),
    ("run.json", {"operating_points": [{"class": 3}]}),
    ("run.json", {"audit": {"findings": [{"id": "L1"}]}}),
])  # fmt: skip
def test_what_fastmed_never_wrote_is_refused(
    own_run: Callable[[str], Run], file: str, change: dict
) -> None:
    run = own_run("lungs")
    write_json(run.path / file, {**read_json(run.path / file), **change})
    with pytest.raises(RunError, match="is not as fastmed writes it"):
        fastmed.card(run.path)


@pytest.fixture
def family(own_run: Callable[[str], Run], tmp_path: Path) -> Path:
    """The folder of two folds; they are drawn by row number, so that patients are parted."""
    folder, run = tmp_path / "folds", own_run("lungs")
    items = run.items.assign(split="train", fold=lambda table: np.arange(len(table)) % 2)
    members = [
        {"name": f"fold-{n}", "changes": {}, "network": "", "trial": "", "fold": n}
        for n in range(2)
    ]
    for member in members:
        shutil.copytree(run.path, folder / member["name"])
    info = {"kind": "folds", "members": members, "data": ".", "status": "done", "created": "now"}
    write_json(folder / "family.json", info)
    shutil.copy(run.path / "task.json", folder)
    write_table(items, folder / "items.csv")
    row = {"network": "", "part": "test", "score": "auroc", "runs": 2, "mean": 0.75, "sd": 0.1}
    write_json(folder / "summary.json", [row])
    return folder


def test_card_of_a_family(family: Path) -> None:
    card = fastmed.card(family)
    assert card["kind"] == "family"
    assert card["data"]["split"]["folds"] == 2
    assert [member["fold"] for member in card["family"]["members"]] == [0, 1]
    assert card["family"]["summary"][0]["mean"] == 0.75
    sides = card["data"]["flow"]["parts"]
    images = card["data"]["flow"]["found"]["images"]
    assert sides["fold 0"]["images"] + sides["fold 1"]["images"] == images
    assert {"patients-shared"} <= limits(card)
    assert not {"no-test", "not-calibrated", "one-training"} & limits(card)


def test_schema_is_documented(own_run: Callable[[str], Run], family: Path) -> None:
    """Every key has a row in the page, and every row of the page's schema a key."""
    run = own_run("pneumonia")
    add_set(run, "test", test_uses=1)
    change_items(run, lambda table: table.assign(
        split=table["split"].mask(table.index == 0, "left_out"), meta_sex="F"
    ))  # fmt: skip
    run.update(audit={"findings": [{"id": "L7", "severity": "WARN"}]})
    card = fastmed.card(run)
    assert json.loads(json.dumps(card)) == card
    written = paths(card) | paths(fastmed.card(family))
    page = read("docs/reference/card.md")
    schema = page[page.index("## The card") : page.index("## Limits")]
    documented = {*rows(schema)}
    assert {path for path in written if not is_documented(path, documented)} == set()
    assert {row for row in documented if "." in row} - written == set()
    assert {key for key in BLANKS if key not in rows(page[page.index("## What only") :])} == set()
    told = rows(page[page.index("## Limits") : page.index("## The checklists")])
    assert {limit["id"] for limit in card["limits"]} - {*told} <= {"audit-L7"}


def is_documented(path: str, documented: set[str]) -> bool:
    return path in documented or any(
        path.startswith(f"{row}.") and row in FREE for row in documented
    )


# Tables whose keys are told elsewhere: settings, scores, versions.
FREE = {
    "preparation.settings", "preparation.augmentation", "network.head", "training.settings",
    "data.balance.settings", "data.balance.images_an_epoch", "software",
    "results.sets.SET", "data.metadata.NAME.parts.PART", "training.selection.search",
}  # fmt: skip
NAMED = {
    "blanks": "KEY", "classes": "CLASS", "parts": "PART", "sets": "SET", "metadata": "NAME",
}  # fmt: skip


def paths(node: object, above: str = "") -> set[str]:
    if isinstance(node, list):
        return {path for one in node for path in paths(one, above)} or {above}
    if not isinstance(node, dict):
        return {above}
    last = above.rpartition(".")[2]
    found = set()
    for key, value in node.items():
        name = NAMED.get(last, key)
        found |= paths(value, f"{above}.{name}" if above else name)
    return found | ({above} if above else set())


@pytest.mark.slow
def test_card_loads_no_torch(trained: dict[str, Run]) -> None:
    run = trained["lungs"].path
    code = f"import sys, fastmed; fastmed.card({str(run)!r}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

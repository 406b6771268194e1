"""The part of the audit before a training: what refuses, what is a banner, what is accepted."""

from pathlib import Path

import pandas as pd
import pytest
from audited import made_task, write_clean
from made import listening
from planted import near_across

from fastmed.auditing.quick import audit_before_training, print_banner, quick_audit
from fastmed.data.items import read_items
from fastmed.data.split import COPY
from fastmed.data.tables import items_table
from fastmed.errors import DataError, RunError, TaskError


def items_of(count: int = 80, **columns: list) -> pd.DataFrame:
    """Return parted items of two classes, each of a patient of its own."""
    rows = pd.DataFrame({"item": [f"{n}.png" for n in range(count)]})
    rows["image"], rows["content"] = rows["item"], rows["item"]
    rows["target"] = ["no", "yes"] * (count // 2)
    rows["group"] = [f"p{n}" for n in range(count)]
    rows["split"] = ["train", "train", "valid", "valid"] * (count // 4)
    return items_table(rows.assign(**columns), ".")


def changed(column: str, **cells: str) -> pd.DataFrame:
    items = items_of()
    for place, value in cells.items():
        items.loc[int(place[1:]), column] = value
    return items


def test_clean_items_have_no_finding():
    assert quick_audit(made_task(), items_of()) == []


@pytest.mark.parametrize(
    "id, items",
    [
        ("L1", changed("group", _0="p6")),
        ("Y1", items_of(split=["train"] * 78 + ["valid"] * 2)),
    ],
)
def test_what_spoils_scores_is_refused_unless_accepted(id: str, items: pd.DataFrame):
    with pytest.raises(DataError, match=rf'audit {id}: .*--accept {id}="\.\.\."'):
        audit_before_training(made_task(), items)
    accepting = made_task(**{f"audit__accept__{id}": "they were looked at"})
    with listening() as told:
        kept = audit_before_training(accepting, items)
    assert kept["accepted"] == {id: "they were looked at"}
    assert [one["id"] for one in kept["findings"]] == [id]
    assert f"audit {id}: " in told.text
    assert "Accepted: they were looked at" in told.text


def test_other_errors_are_a_banner_and_strict_refuses_them():
    items = changed("content", _0="1.png")
    with listening() as told:
        kept = audit_before_training(made_task(), items)
    assert "audit L5: 1 image" in told.text
    assert kept["findings"][0]["severity"] == "ERROR"
    with pytest.raises(DataError, match=r"audit L5 \(audit.strict\)"):
        audit_before_training(made_task(audit__strict=True), items)


def test_what_a_run_keeps_names_no_file_and_no_patient():
    items = changed("content", _0="1.png")
    text = str(audit_before_training(made_task(), items))
    assert ".png" not in text
    assert "p0" not in text


@pytest.mark.parametrize("hidden", [False, True])
def test_the_full_audit_looks_at_images_too(hidden: bool, tmp_path: Path):
    near_across(write_clean(tmp_path / "data"))
    plain, full = (
        made_task(audit__full=full, pseudonymise=hidden, split__method="given")
        for full in (False, True)
    )
    items = read_items(plain, tmp_path / "data")
    seen = {"fast": audit_before_training(plain, items), "all": audit_before_training(full, items)}
    ids = {name: {one["id"] for one in kept["findings"]} for name, kept in seen.items()}
    assert ids["all"] - ids["fast"] == {"L4", "S3"}
    assert {name: kept["checks"] for name, kept in seen.items()} == {"fast": "fast", "all": "all"}
    assert ".png" not in str(seen)


def test_left_out_images_are_told_and_skip_bad_has_declared_them():
    items = changed("split", _0="left_out")
    items.loc[0, ["content", "note"]] = ["", "the file is truncated (SECRET)"]
    strict = made_task(audit__strict=True)
    with pytest.raises(DataError, match="Q1"):
        audit_before_training(strict, items)
    kept = audit_before_training(strict, items, skip_bad=True)
    assert kept["findings"][0]["sentence"].endswith("left out: the file is truncated (1).")


def test_a_training_copy_that_was_left_out_is_reported():
    items = changed("split", _0="left_out")
    items.loc[0, ["content", "note"]] = ["2.png", COPY]
    (kept,) = audit_before_training(made_task(), items)["findings"]
    assert kept["id"] == "L3"
    assert kept["sentence"].endswith("copies left out of the earlier part: 1.")


def test_accepting_what_is_not_there_is_noted():
    with listening() as told:
        audit_before_training(made_task(audit__accept__L3="why not"), items_of())
    assert "L3 found nothing" in told.text


@pytest.mark.parametrize(
    "accept, message",
    [
        ({"L9": "x"}, "'L9' is no check"),
        ({"L1": " "}, "without a reason"),
        ({"L1": "a\nb"}, "line"),
    ],
)
def test_acceptance_needs_a_known_check_and_a_reason(accept: dict, message: str):
    with pytest.raises(TaskError, match=message):
        made_task(audit__accept=accept)


def test_a_damaged_run_is_refused():
    with pytest.raises(RunError, match="'audit' is not"):
        print_banner({"findings": [{"id": 1}]})

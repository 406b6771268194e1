import numpy as np
import pandas as pd
import pytest

from fastmed.data.folds import KEPT, NO_FOLD, fold_items, items_of_fold
from fastmed.data.tables import items_table
from fastmed.errors import DataError, TaskError
from fastmed.task import Task
from fastmed.taskfile import find_task

CLASSES = ("0", "1", "2")


def task_of(**split: object) -> Task:
    settings = {"method": "auto", **split}
    changes = {f"split.{name}": value for name, value in settings.items()}
    return find_task("lungs").with_changes({"classes": CLASSES, **changes})


def images(count: int, patients: int = 0, seed: int = 0) -> pd.DataFrame:
    """Return items of three unequal classes, with patients that have several images."""
    generator = np.random.default_rng(seed)
    rows = pd.DataFrame({"item": [f"{number:04d}" for number in range(count)]})
    rows["image"] = rows["item"] + ".png"
    rows["target"] = generator.choice([*CLASSES], count, p=[0.6, 0.3, 0.1])
    rows["content"] = rows["item"]
    if patients:
        rows["group"] = [f"p{number}" for number in generator.integers(0, patients, count)]
    return items_table(rows, "data")


def members(items: pd.DataFrame, task: Task, folds: int) -> list[pd.DataFrame]:
    parted = fold_items(items, task, folds)
    return [items_of_fold(parted, task, fold) for fold in range(folds)]


@pytest.mark.parametrize("folds", [2, 5])
def test_every_image_is_tested_once_and_never_seen_by_that_network(folds: int):
    items = images(200)
    tested: list[str] = []
    for table in members(items, task_of(), folds):
        parts = {name: set(rows["item"]) for name, rows in table.groupby("split")}
        assert set(parts) == {"train", "valid", "test"}
        assert sum(map(len, parts.values())) == len(items)
        tested += parts["test"]
    assert sorted(tested) == items["item"].tolist()


def test_folds_have_their_share_of_every_class():
    items = images(400)
    folds = fold_items(items, task_of(), 5)
    counts = pd.crosstab(folds["fold"], folds["target"])
    assert (counts.max() - counts.min() <= 1).all()
    table = items_of_fold(folds, task_of(valid=0.2), 3)
    valid, train = ((table["split"] == part).sum() for part in ("valid", "train"))
    assert valid == pytest.approx(0.2 * (valid + train), abs=2)


def test_patients_and_identical_images_stay_together():
    items = images(300, patients=90)
    items.loc[5, "content"] = items.loc[250, "content"]
    folds = fold_items(items, task_of(), 4)
    assert (folds.groupby("group")["fold"].nunique() == 1).all()
    assert folds.loc[5, "fold"] == folds.loc[250, "fold"]
    for fold in range(4):
        table = items_of_fold(folds, task_of(), fold)
        assert (table.groupby("group")["split"].nunique() == 1).all()
    alone = fold_items(items, task_of(method="stratified"), 4)
    assert (alone.groupby("group")["fold"].nunique() > 1).any()


def test_folds_follow_the_seed_and_not_the_order_of_rows():
    items = images(120)
    first = fold_items(items, task_of(), 3)
    again = fold_items(items.sample(frac=1, random_state=1), task_of(), 3)
    other = fold_items(items, task_of(seed=7), 3)
    assert first["fold"].equals(again["fold"].reindex(first.index))
    assert not first["fold"].equals(other["fold"])


@pytest.mark.parametrize("given", [True, False])
def test_a_test_part_is_in_no_fold(given: bool):
    items = images(200)
    if given:
        items.loc[:29, "split"] = "test"
        items.loc[30:59, "split"] = "valid"
        items.loc[60:, "split"] = "train"
    task = task_of(test=0.15)
    folds = fold_items(items, task, 3)
    kept = folds["split"] == "test"
    assert kept.sum() == pytest.approx(30, abs=2)
    assert (folds.loc[kept, "fold"] == NO_FOLD).all()
    assert (folds.loc[~kept, "fold"] >= 0).all(), "a given validation part is shared out"
    table = items_of_fold(folds, task, 0)
    assert (table.loc[kept, "split"] == "left_out").all()
    assert set(table.loc[kept, "note"]) == {KEPT}


def test_extra_images_train_in_every_fold_unless_they_are_held_out():
    items = images(100)
    items.loc[90:, "origin"] = "extra"
    items.loc[95, "content"] = items.loc[3, "content"]
    folds = fold_items(items, task_of(), 2)
    assert (folds.loc[90:, "fold"] == NO_FOLD).all()
    for fold in range(2):
        table = items_of_fold(folds, task_of(), fold)
        held = table.loc[3, "split"] != "train"
        assert (table.loc[[90, 91, 92, 93, 94], "split"] == "train").all()
        assert table.loc[95, "split"] == ("left_out" if held else "train")


def test_balance_happens_within_each_fold():
    task = task_of().with_changes({"balance": {"method": "per_class", "count": 20}})
    for table in members(images(300), task, 3):
        counts = table[table["split"] == "train"]["target"].value_counts()
        assert counts.max() == 20
        assert (table["split"] == "test").sum() in range(98, 103)


@pytest.mark.parametrize(
    ("folds", "split", "error", "sentence"),
    [
        (1, {}, TaskError, "1 fold.s. leave nothing to train with"),
        (3, {"valid": 0.0}, TaskError, "needs a validation part"),
        (9, {}, DataError, r"class '2' has 6 image.s., too few .* 9 folds .*; take --folds 5"),
    ],
)
def test_folds_that_can_not_be(folds: int, split: dict, error: type, sentence: str):
    items = images(60)
    items["target"] = ["2"] * 6 + ["0"] * 30 + ["1"] * 24
    with pytest.raises(error, match=sentence):
        fold_items(items, task_of(**split), folds)


def test_few_patients_count_as_few_images():
    items = images(60, patients=30)
    items["target"] = ["2"] * 20 + ["0"] * 20 + ["1"] * 20
    items.loc[:19, "group"] = ["a", "b"] * 10
    with pytest.raises(DataError, match=r"20 image.s. of 2 patient.s. or copies"):
        fold_items(items, task_of(), 3)

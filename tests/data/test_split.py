"""Splits: shares reached, patients and copies together, given parts kept."""

import numpy as np
import pandas as pd
import pytest
from made import listening

from fastmed.data.split import COPIES, assign_sides, split_items, units_of
from fastmed.data.tables import ITEM_DEFAULTS
from fastmed.errors import DataError
from fastmed.settings.data import SplitSettings

CLASSES = ("a", "b", "c")


def items_of(targets: list[str], **columns: object) -> pd.DataFrame:
    """Return items of distinct content, without patients unless given."""
    count = len(targets)
    given = {
        "item": [f"i{number:05d}" for number in range(count)],
        "target": targets,
        "content": [f"c{number}" for number in range(count)],
        **columns,
    }
    return pd.DataFrame({**{k: [v] * count for k, v in ITEM_DEFAULTS.items()}, **given})


def settings(**fields: object) -> SplitSettings:
    return SplitSettings(**fields)  # type: ignore[arg-type]


def counts(items: pd.DataFrame) -> dict[str, dict[str, int]]:
    return pd.crosstab(items["split"], items["target"]).to_dict("index")


def test_single_images_reach_the_share_of_each_class_exactly():
    items = items_of(["a"] * 100 + ["b"] * 40 + ["c"] * 10)
    split = split_items(items, settings(valid=0.2, test=0.1), CLASSES)
    assert counts(split) == {
        "train": {"a": 70, "b": 28, "c": 7},
        "valid": {"a": 20, "b": 8, "c": 2},
        "test": {"a": 10, "b": 4, "c": 1},
    }


def test_two_images_of_a_class_go_to_both_sides():
    split = split_items(items_of(["a"] * 50 + ["b", "b"]), settings(valid=0.1), ("a", "b"))
    assert counts(split)["valid"]["b"] == counts(split)["train"]["b"] == 1


@pytest.mark.parametrize("seed", range(5))
def test_patients_stay_together_and_shares_are_close(seed: int):
    generator = np.random.default_rng(seed)
    patient = generator.zipf(1.6, 3000).clip(max=500)
    target = np.where(patient % 3 == 0, "a", np.where(patient % 3 == 1, "b", "c"))
    mixed = generator.random(3000) < 0.1
    target[mixed] = generator.choice(["a", "b", "c"], mixed.sum())
    items = items_of(target.tolist(), group=[f"p{number}" for number in patient])
    largest = items.groupby("group").size().max() / len(items)
    split = split_items(items, settings(valid=0.2, seed=seed), CLASSES)
    assert split.groupby("group")["split"].nunique().max() == 1
    assert (split["split"] == "valid").mean() == pytest.approx(0.2, abs=max(0.03, largest))


def test_many_small_patients_reach_the_share_of_each_class():
    generator = np.random.default_rng(0)
    patient = generator.integers(0, 400, 1200)
    target = np.array(["a", "b", "c"])[np.minimum(patient % 7, 2)]
    items = items_of(target.tolist(), group=[f"p{number}" for number in patient])
    split = split_items(items, settings(method="grouped", valid=0.25), CLASSES)
    shares = pd.crosstab(split["target"], split["split"], normalize="index")["valid"]
    assert shares.to_numpy() == pytest.approx([0.25] * 3, abs=0.02)


def test_large_patients_are_on_both_sides():
    """Half of the patients have nine images; neither side may collect them."""
    group = [f"big{n // 9}" for n in range(360)] + [f"small{n}" for n in range(40)]
    items = items_of(["a", "b"] * 200, group=group)
    split = split_items(items, settings(valid=0.25), ("a", "b"))
    big = split[split["group"].str.startswith("big")].groupby("split")["group"].nunique()
    assert big.to_dict() == {"train": 30, "valid": 10}


def test_stratified_leaves_patients_aside():
    items = items_of(["a", "b"] * 50, group=["p1"] * 100)
    split = split_items(items, settings(method="stratified"), ("a", "b"))
    assert counts(split)["valid"] == {"a": 10, "b": 10}


def test_draw_depends_on_seed_and_names_alone():
    items = items_of(["a", "b", "c"] * 40, group=[f"p{n // 4}" for n in range(120)])
    first = split_items(items, settings(), CLASSES)
    shuffled = split_items(items.sample(frac=1, random_state=1), settings(), CLASSES)
    pd.testing.assert_series_equal(shuffled["split"].sort_index(), first["split"])
    other = split_items(items, settings(seed=7), CLASSES)
    assert (other["split"] != first["split"]).any()


@pytest.mark.parametrize("method", ["auto", "stratified"])
@pytest.mark.parametrize("column", COPIES)
def test_identical_images_stay_on_one_side_whatever_the_method(method: str, column: str):
    items = items_of(["a", "b"] * 60, **{column: [f"c{number // 3}" for number in range(120)]})
    split = split_items(items, settings(method=method), ("a", "b"))
    assert split.groupby(column)["split"].nunique().max() == 1


@pytest.mark.parametrize("column", COPIES)
def test_training_copy_of_a_tested_image_is_left_out(column: str):
    same = ["same", *(f"c{number}" for number in range(38)), "same"]
    parts = ["train"] * 20 + ["valid"] * 10 + ["test"] * 10
    items = items_of(["a", "b"] * 20, split=parts, **{column: same})
    split = split_items(items, settings(), ("a", "b"))
    assert split["split"].tolist() == ["left_out", *parts[1:]]


def test_patients_and_copies_are_merged_in_chains():
    items = items_of(
        ["a"] * 6,
        group=["p", "p", "q", "", "", "r"],
        content=["1", "2", "2", "3", "3", ""],
    )
    units = units_of(items, by_patient=True)
    assert units[0] == units[1] == units[2]
    assert units[3] == units[4]
    assert len(set(units)) == 3
    assert len(set(units_of(items, by_patient=False))) == 4


def test_given_parts_are_kept_and_only_the_missing_one_is_drawn():
    given = ["train"] * 40 + ["test"] * 20
    split = split_items(items_of(["a", "b"] * 30, split=given), settings(valid=0.25), ("a", "b"))
    assert (split["split"][40:] == "test").all()
    assert counts(split)["valid"] == {"a": 5, "b": 5}


def test_blank_parts_beside_given_ones_are_to_train():
    given = [""] * 20 + ["valid"] * 4
    split = split_items(items_of(["a", "b"] * 12, split=given), settings(), ("a", "b"))
    assert split["split"].tolist() == ["train"] * 20 + ["valid"] * 4


def test_given_draws_nothing_and_refuses_a_missing_part():
    items = items_of(["a", "b"] * 4, split=["train"] * 4 + ["valid"] * 4)
    split = split_items(items, settings(method="given"), ("a", "b"))
    assert split["split"].tolist() == items["split"].tolist()
    with pytest.raises(DataError, match="no part 'test'"):
        split_items(items, settings(method="given", test=0.1), ("a", "b"))
    with pytest.raises(DataError, match="no part 'train', 'valid'"):
        split_items(items.assign(split=""), settings(method="given"), ("a", "b"))


def test_no_validation_part_is_drawn_if_none_is_wanted():
    split = split_items(items_of(["a", "b"]), settings(valid=0), ("a", "b"))
    assert split["split"].tolist() == ["train", "train"]


def test_copy_on_a_later_side_drops_the_earlier_one():
    items = items_of(
        ["a", "b"] * 4,
        split=["train", "train", "train", "train", "valid", "valid", "test", "test"],
        content=["1", "2", "3", "4", "1", "5", "1", "2"],
    )
    with listening() as told:
        split = split_items(items, settings(), ("a", "b"))
    assert split["split"].tolist() == [
        "left_out", "left_out", "train", "train", "left_out", "valid", "test", "test",
    ]  # fmt: skip
    assert set(split["note"][split["split"] == "left_out"]) == {
        "identical to an image of a later part"
    }
    assert "3 images are left out of training" in told.text


@pytest.mark.parametrize("method", ["auto", "stratified"])
def test_patient_on_two_given_sides_stays_there_for_the_audit_to_find(method: str):
    items = items_of(
        ["a", "b"] * 4,
        split=["train"] * 4 + ["test"] * 4,
        group=["p", "q", "r", "s", "p", "t", "u", "v"],
    )
    split = split_items(items, settings(valid=0, method=method), ("a", "b"))
    assert split["split"].tolist() == items["split"].tolist()


def test_extra_images_only_train_and_count_in_no_share():
    origin = ["main"] * 40 + ["extra"] * 60
    items = items_of(["a", "b"] * 50, origin=origin, split=[""] * 90 + ["valid"] * 10)
    split = split_items(items, settings(valid=0.25), ("a", "b"))
    assert (split["split"][40:] == "train").all()
    assert counts(split[:40])["valid"] == {"a": 5, "b": 5}


def test_extra_copies_and_patients_of_held_out_images_are_left_out():
    items = items_of(
        ["a", "b", "a", "b", "a", "b", "a"],
        split=["train", "train", "valid", "valid", "", "", ""],
        origin=["main"] * 4 + ["extra"] * 3,
        content=["1", "2", "3", "4", "3", "5", "6"],
        group=["", "", "p", "q", "", "q", "x"],
    )
    split = split_items(items, settings(), ("a", "b"))
    assert split["split"].tolist()[4:] == ["left_out", "left_out", "train"]
    alone = split_items(items, settings(method="stratified"), ("a", "b"))
    assert alone["split"].tolist()[4:] == ["left_out", "train", "train"]


def test_left_out_images_stay_out():
    items = items_of(["a", "b"] * 10, split=["left_out"] + [""] * 19)
    items.loc[0, "content"] = items.loc[1, "content"] = "same"
    split = split_items(items, settings(valid=0.2), ("a", "b"))
    assert split["split"].tolist().count("left_out") == 1
    assert split["split"].iloc[0] == "left_out"


def test_class_that_cannot_be_on_both_sides():
    with pytest.raises(DataError, match="class 'c' has only 1 image to share out among"):
        split_items(items_of(["a", "b"] * 9 + ["c"]), settings(), CLASSES)
    items = items_of(["a", "b"] * 9 + ["c"] * 3, group=[""] * 18 + ["p"] * 3)
    with pytest.raises(DataError, match=r"class 'c' has only 3 images in 1 inseparable set"):
        split_items(items, settings(), CLASSES)
    assert set(split_items(items, settings(valid=0), CLASSES)["split"]) == {"train"}


def test_class_without_training_images():
    items = items_of(["a", "b", "a"], split=["train", "valid", "valid"])
    with pytest.raises(DataError, match="the training part has no image of 'b'"):
        split_items(items, settings(), ("a", "b"))


def test_grouped_needs_patients():
    with pytest.raises(DataError, match="no image has one"):
        split_items(items_of(["a", "b"] * 9), settings(method="grouped"), ("a", "b"))


@pytest.mark.parametrize("share", [0.05, 0.15, 1 / 3, 0.5])
@pytest.mark.parametrize("count", [2, 3, 7, 99, 100])
def test_single_units_are_within_one_of_the_share(share: float, count: int):
    sides = assign_sides(np.ones((count, 1), dtype=int), [1 - share, share], seed=0)
    assert 1 <= sides.sum() < count
    assert abs(sides.sum() - share * count) < 1


def test_equal_shares_make_folds():
    labels = np.eye(3, dtype=int)[np.random.default_rng(0).integers(0, 3, 250)]
    sides = assign_sides(labels, [0.2] * 5, seed=3)
    for column in labels.T:
        per_fold = np.bincount(sides, weights=column, minlength=5)
        assert per_fold.max() - per_fold.min() <= 1


def test_input_is_not_changed():
    items = items_of(["a", "b"] * 9)
    before = items.copy()
    split_items(items, settings(), ("a", "b"))
    pd.testing.assert_frame_equal(items, before)

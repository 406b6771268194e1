"""The training part brought to a count of each class, and weights of classes."""

import numpy as np
import pandas as pd
import pytest
from made import listening

from fastmed.data.balance import balance_items, class_weights
from fastmed.data.tables import ITEM_DEFAULTS
from fastmed.settings.data import BalanceSettings

CLASSES = ("a", "b")


def items_of(*rows: tuple[str, str, str, int]) -> pd.DataFrame:
    """Return items from (target, origin, split, how many)."""
    every = [row[:3] for row in rows for _ in range(row[3])]
    table = pd.DataFrame(every, columns=["target", "origin", "split"])
    table["item"] = [f"i{number:03d}" for number in range(len(table))]
    return table.assign(
        **{name: ITEM_DEFAULTS[name] for name in ITEM_DEFAULTS if name not in table}
    )


def to(count: int, repeat: bool = False) -> BalanceSettings:
    return BalanceSettings(method="per_class", count=count, repeat=repeat)


def in_training(items: pd.DataFrame) -> dict[tuple[str, str], int]:
    training = items[items["split"] == "train"]
    return training.groupby(["target", "origin"])["copies"].sum().to_dict()


ITEMS = items_of(
    ("a", "main", "train", 30), ("a", "extra", "train", 5), ("b", "main", "train", 4),
    ("b", "extra", "train", 20), ("a", "main", "valid", 50), ("b", "main", "valid", 2),
)  # fmt: skip


def test_main_images_first_then_extra_then_a_sample():
    balanced = balance_items(ITEMS, to(10), CLASSES)
    assert in_training(balanced) == {
        ("a", "main"): 10,
        ("b", "main"): 4,
        ("b", "extra"): 6,
    }
    left = balanced[balanced["split"] == "left_out"]
    assert len(left) == 20 + 5 + 14
    assert set(left["note"]) == {"above 10 images a class"}


def test_validation_keeps_its_imbalance():
    balanced = balance_items(ITEMS, to(3), CLASSES)
    assert (balanced["split"] == "valid").sum() == 52


def test_shortfall_is_told():
    with listening() as told:
        balanced = balance_items(ITEMS, to(30), CLASSES)
    assert in_training(balanced)["b", "extra"] == 20
    assert "class 'b' has 24 training images of 30" in told.text
    assert "class 'a'" not in told.text


def test_repeat_fills_the_shortfall_evenly():
    balanced = balance_items(ITEMS, to(50, repeat=True), CLASSES)
    training = balanced[balanced["split"] == "train"]
    assert training.groupby("target")["copies"].sum().to_dict() == {"a": 50, "b": 50}
    assert training.groupby("target")["copies"].agg(["min", "max"]).to_numpy().tolist() == [
        [1, 2],
        [2, 3],
    ]


def test_sample_depends_on_seed_and_names_alone():
    first = balance_items(ITEMS, to(10), CLASSES, seed=1)["split"]
    shuffled = balance_items(ITEMS.sample(frac=1, random_state=0), to(10), CLASSES, seed=1)
    pd.testing.assert_series_equal(shuffled["split"].sort_index(), first)
    assert (balance_items(ITEMS, to(10), CLASSES, seed=2)["split"] != first).any()


@pytest.mark.parametrize("method", ["none", "class_weights", "sampler"])
def test_other_methods_change_nothing(method: str):
    balanced = balance_items(ITEMS, BalanceSettings(method=method), CLASSES)
    pd.testing.assert_frame_equal(balanced, ITEMS)


def test_weights_are_inverse_frequencies_with_mean_one():
    items = items_of(("a", "main", "train", 30), ("b", "main", "train", 10), ("b", "main", "x", 99))
    weights = class_weights(items, CLASSES)
    np.testing.assert_allclose(weights, [40 / 60, 40 / 20])
    assert (weights * [30, 10]).sum() / 40 == pytest.approx(1)


@pytest.mark.parametrize("beta", [0.9, 0.999])
def test_weights_by_the_effective_number_of_images(beta: float) -> None:
    """(1 - beta^n) / (1 - beta) of 35 and 24 images; an image weighs 1 on average."""
    found = class_weights(ITEMS, CLASSES, beta)
    inverse = [(1 - beta) / (1 - beta**n) for n in (35, 24)]
    mean = (35 * inverse[0] + 24 * inverse[1]) / 59
    np.testing.assert_allclose(found, np.array(inverse) / mean)
    assert 35 * found[0] + 24 * found[1] == pytest.approx(59)


def test_the_effective_number_lies_between_none_and_all() -> None:
    ratios = [class_weights(ITEMS, CLASSES, beta) for beta in (1e-9, 0.9, 1 - 1e-12, None)]
    ratios = [weights[1] / weights[0] for weights in ratios]
    assert ratios[0] == pytest.approx(1)
    assert ratios[0] < ratios[1] < ratios[2]
    assert ratios[2] == pytest.approx(ratios[3])

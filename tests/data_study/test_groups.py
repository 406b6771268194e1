import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association as plain_association

from fastmed.data_study.groups import association, count_groups, groups_of

CLASSES = ("a", "b")


def named(values: list) -> dict[str, int]:
    """Return how often each group stands there, in the order of the groups."""
    return groups_of(pd.Series(values)).value_counts(sort=False).to_dict()


def test_texts_come_by_frequency_and_what_is_missing_last() -> None:
    values = ["PA", "AP", "", "AP", None, float("nan"), "LL"]
    assert named(values) == {"AP": 2, "LL": 1, "PA": 1, "not known": 3}


def test_rare_texts_are_put_together() -> None:
    values = [f"v{number}" for number in range(20) for _ in range(20 - number)]
    found = named(values)
    assert len(found) == 10
    assert list(found)[:2] == ["v0", "v1"]
    assert found["11 others"] == sum(20 - number for number in range(9, 20))
    assert sum(found.values()) == len(values)


def test_few_numbers_are_groups_in_their_order() -> None:
    assert named([8, 16, 8, 2.5]) == {"2.5": 1, "8": 2, "16": 1}
    assert named(["10", "9", ""]) == {"9": 1, "10": 1, "not known": 1}


def test_ages_are_decades_whatever_the_outliers() -> None:
    ages = [*range(18, 90), float("nan"), 0.5, 155]
    found = named([float(age) for age in ages])
    assert list(found)[:2] == ["0 to <10", "10 to <20"]
    assert list(found)[-2:] == ["80 and more", "not known"]
    assert found["30 to <40"] == 10
    assert found["10 to <20"] == 2
    assert found["80 and more"] == 11
    assert sum(found.values()) == len(ages)


def test_whole_numbers_have_inclusive_ranges() -> None:
    found = named([*range(20, 60)] * 3)
    assert found == {f"{low} to {low + 4}": 15 for low in range(20, 60, 5)}


@pytest.mark.parametrize("seed", range(5))
def test_every_number_is_in_the_range_that_names_it(seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = pd.Series(generator.normal(generator.normal() * 100, 10 ** generator.normal(), 200))
    groups = groups_of(values)
    assert groups.nunique() <= 10
    for value, name in zip(values, groups, strict=True):
        if name.startswith("below "):
            assert value < float(name.removeprefix("below "))
        elif name.endswith(" and more"):
            assert value >= float(name.removesuffix(" and more"))
        else:
            low, high = name.split(" to <")
            assert float(low) <= value < float(high)


def test_hostile_text_is_shown_and_does_nothing() -> None:
    values = ["\u202eevil", "a\nb", "x" * 500, "\x1b[31m"]
    for name in named(values):
        assert name.isprintable()
        assert len(name) <= 60


def test_nothing_is_known() -> None:
    assert named([None, "", float("nan")]) == {"not known": 3}


def test_counts_have_every_group_and_class() -> None:
    groups = groups_of(pd.Series(["x", "x", "y", ""]))
    counts = count_groups(groups, pd.Series(["a", "a", "c", "a"]), ("b", "a", "c"))
    assert counts.index.tolist() == ["x", "y", "not known"]
    assert counts.columns.tolist() == ["b", "a", "c"]
    assert counts.to_numpy().tolist() == [[0, 2, 0], [0, 0, 1], [0, 1, 0]]


def counted(rows: list[list[int]]) -> pd.DataFrame:
    names = [f"g{number}" for number in range(len(rows))]
    return pd.DataFrame(rows, index=names, columns=[f"c{number}" for number in range(len(rows[0]))])


def test_groups_that_tell_the_class_have_v_near_one() -> None:
    found = association(counted([[500, 0], [0, 300]]), "format")
    assert found.v == pytest.approx(1, abs=0.01)
    assert found.p < 1e-50
    assert (
        found.telling
        == "100% of the 300 images with format 'g1' are 'c1', which makes up 38% of all"
    )


def test_v_is_the_usual_one_once_there_are_many_images() -> None:
    counts = counted([[30, 10, 5], [20, 40, 7], [9, 9, 90]])
    usual = plain_association((counts * 10_000).to_numpy(), method="cramer")
    assert association(counts * 10_000).v == pytest.approx(usual, abs=1e-3)


def test_bias_of_few_images_is_taken_off() -> None:
    """Of chance, the plain V of 5 x 3 groups and 60 images is about 0.26."""
    generator = np.random.default_rng(0)
    corrected, plain = [], []
    for _ in range(60):
        table = np.zeros((5, 3), int)
        np.add.at(table, (generator.integers(0, 5, 60), generator.integers(0, 3, 60)), 1)
        corrected.append(association(counted(table.tolist())).v)
        plain.append(plain_association(table, method="cramer"))
    assert np.mean(plain) > 0.2
    assert np.mean(corrected) < 0.08


def test_correction_by_hand() -> None:
    """chi2 = 4 of 40 images in 2 x 2: phi2 = 0.1 - 1/39, side = 2 - 1/39."""
    counts = counted([[13, 7], [7, 13]])
    chi2 = 40 * (13 * 13 - 7 * 7) ** 2 / 20**4
    expected = ((chi2 / 40 - 1 / 39) / (2 - 1 / 39 - 1)) ** 0.5
    assert association(counts).v == pytest.approx(expected)


@pytest.mark.parametrize("rows", [[[5, 4]], [[5, 4], [0, 0]], [[5, 0], [4, 0]], [[1, 0]], [[0, 0]]])
def test_nothing_to_compare(rows: list) -> None:
    found = association(counted(rows))
    assert (found.v, found.p, found.telling) == (0, 1, "")


def test_few_images_tell_nothing() -> None:
    assert association(counted([[9, 0], [0, 9]])).telling == ""

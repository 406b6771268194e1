import pandas as pd
import pytest

from fastmed.explaining.choice import LARGEST, choose


def table() -> pd.DataFrame:
    """Return losses of two classes, each with right and wrong predictions."""
    rows = [
        *[("a", "a", loss) for loss in (0.1, 0.2, 0.3, 0.4, 0.5)],
        *[("a", "b", loss) for loss in (1.0, 2.0, 9.0)],
        *[("b", "b", loss) for loss in (0.6, 0.7)],
    ]
    frame = pd.DataFrame(rows, columns=["target", "predicted", "loss"])
    return frame.assign(item=[f"{number}.png" for number in range(len(rows))])


def test_the_first_of_each_kind_are_the_worst_and_the_typical() -> None:
    chosen = choose(table(), ["a", "b"], 4)
    assert list(zip(chosen["reason"], chosen["loss"], strict=True)) == [
        (LARGEST, 9.0),
        ("right, of class a", 0.3),
        ("wrong, of class a", 2.0),
        ("right, of class b", 0.6),
    ]


@pytest.mark.parametrize("count", [1, 5, 10, 50])
def test_as_many_as_are_wanted_each_once(count: int) -> None:
    chosen = choose(table(), ["a", "b"], count)
    assert len(chosen) == min(count, 10)
    assert chosen["item"].is_unique
    assert (chosen["reason"] == LARGEST).sum() >= 1
    if count >= 10:
        assert chosen["reason"].nunique() == 4


def test_reasons_are_true() -> None:
    chosen = choose(table(), ["a", "b"], 10)
    told = chosen[chosen["reason"] != LARGEST]
    right = told["reason"].str.startswith("right")
    assert (right == (told["target"] == told["predicted"])).all()
    assert (told["reason"].str[-1] == told["target"]).all()


def test_equal_tables_give_equal_choices() -> None:
    pd.testing.assert_frame_equal(choose(table(), ["a", "b"], 7), choose(table(), ["a", "b"], 7))

"""What limits is told from made-up speeds whose times are counted by hand."""

import pytest

from fastmed.benching.limits import limits_of, lost_time
from fastmed.benching.pace import Pace
from fastmed.benching.speeds import Conditions

BASE = {
    "arch": "net", "size": 32, "channels": 3, "batch": 8, "way": "fp32", "speed": "auto",
    "techniques": ("ema",), "augmentation": ("rotate", "warp"), "views": ("plain",),
    "decoded": True, "overlapped": False, "workers": 0, "train": 1000, "valid": 100,
    "images": 1200, "share": 1.0,
}  # fmt: skip
# Steps take 10 ms an image, and so does nothing else.
PACES = {
    "step": 100.0, "training": 95.0, "forward": 300.0, "validation": 290.0, "loader": 5000.0,
    "loader_plain": 9000.0, "views": 300.0, "prediction": 280.0,
}  # fmt: skip


def conditions(**changes: object) -> Conditions:
    return Conditions(**{**BASE, **changes})


def paces(**changes: float) -> dict[str, Pace]:
    return {name: Pace((value,)) for name, value in {**PACES, **changes}.items()}


def told(changed: dict[str, float], keeping: float = 0.0, **others: object) -> tuple[str, ...]:
    return limits_of(paces(**changed), conditions(**others), keeping)


def test_steps_that_take_most_of_the_time_limit() -> None:
    training, prediction = told({})
    assert training.startswith("Training is limited by the network's arithmetic: it reaches 95%")
    assert "train.speed" not in training
    assert prediction.startswith(
        "Prediction is limited by the network's arithmetic: it reaches 93%"
    )
    assert "train.speed = 'auto'" in told({}, speed="plain")[0]


@pytest.mark.parametrize(
    ("changed", "others", "expected"),
    [
        ({"training": 50.0, "loader_plain": 125.0, "loader": 100.0}, {}, "loader, which takes 40%"),
        ({"training": 50.0, "loader": 125.0}, {}, "augmentation, which takes 39%"),
        (
            {"training": 50.0, "loader_plain": 125.0, "loader": 125.0},
            {"decoded": False},
            "decoding, which takes 40%",
        ),
        ({"training": 50.0}, {}, "between the steps (losses and metrics and ema), which takes 49%"),
    ],
)
def test_what_takes_most_of_the_lost_time_limits(
    changed: dict, others: dict, expected: str
) -> None:
    sentence = told(changed, **others)[0]
    assert sentence.startswith("Training reaches 50% of what its steps allow.")
    assert expected in sentence


def test_settings_of_the_augmentation_are_named() -> None:
    sentence = told({"training": 50.0, "loader": 125.0})[0]
    assert "augment.rotate, augment.warp" in sentence


def test_lost_time_is_counted_by_what_takes_it() -> None:
    found = paces(step=100.0, training=40.0, loader_plain=200.0, loader=125.0)  # 10, 25, 5, 8 ms
    lost = lost_time(found, conditions())
    expected = {"reading": 0.005, "augmentation": 0.003, "others": 0.007}
    assert lost == pytest.approx(expected)
    behind = lost_time(found, conditions(overlapped=True))
    assert behind == pytest.approx({"reading": 0, "augmentation": 0.003, "others": 0.012})


def test_without_augmentation_all_of_the_loader_is_reading() -> None:
    found = paces(training=50.0, loader=125.0)
    del found["loader_plain"]
    lost = lost_time(found, conditions(augmentation=()))
    assert lost == pytest.approx({"reading": 0.008, "augmentation": 0, "others": 0.002})


def test_prediction_is_limited_by_views_decoding_or_what_is_around() -> None:
    views = ("plain", "hflip", "vflip")
    assert "limited by its 3 views" in told({}, views=views)[1]
    slow = {"prediction": 90.0}
    assert "reaches 30% of what the forward pass allows" in told(slow, views=views)[1]
    assert "It is limited by what is done around the network" in told(slow)[1]
    assert "A quicker device would change little" in told(slow)[1]
    most = told({"prediction": 200.0})[1]
    assert "What keeps it from the rest is what is done around the network" in most
    assert "quicker device" not in most
    assert "decoding the files" in told(slow, decoded=False)[1]


def test_first_reading_is_told_with_its_time() -> None:
    *_, reading = told({"reading": 40.0}, images=1200, share=0.25)
    assert "once, into the cache, 40 a second: about 2 min before the first epoch" in reading
    assert "Predictions of new images are limited by that" in reading
    *_, quick = told({"reading": 4000.0})
    assert "limited" not in quick
    *_, again = told({"reading": 40.0}, decoded=False)
    assert "in every epoch and prediction, 40 a second" in again


def test_short_epochs_are_told_from() -> None:
    epoch = 1000 / 95 + 100 / 290
    assert len(told({}, keeping=0.1 * epoch)) == 2
    sentence = told({}, keeping=epoch)[2]
    assert f"{epoch:.2f} s, takes 50% of it" in sentence


def test_what_is_quicker_than_its_ceiling_was_disturbed() -> None:
    training, prediction = told({"training": 250.0, "prediction": 900.0})
    assert training.startswith("Training was measured to be 2.5 times as quick as the steps")
    assert prediction.startswith("Prediction was measured to be 3.0 times as quick as the network")
    assert "limited" not in training + prediction
    assert "limited by the network" in told({"training": 105.0})[0]  # noise

"""Settings of pixels: what can't work, or would do nothing, is refused with a clear word."""

import pytest
from pydantic import ValidationError

from fastmed.errors import TaskError
from fastmed.settings.image import AMOUNTS, EXAMPLES, OPERATION_NAMES, ImageSettings, Operation
from fastmed.taskfile import find_task


def why(**settings: object) -> str:
    with pytest.raises(ValidationError) as caught:
        ImageSettings(**settings)
    return caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    "given",
    [
        "crop_background,clahe=3",
        " crop_background , clahe = 3 ",
        ["crop_background", "clahe=3"],
        ["crop_background", {"name": "clahe", "amount": 3}],
        (Operation(name="crop_background"), Operation(name="clahe", amount=3)),
    ],
)
def test_operations_are_written_as_text_or_tables(given: object):
    first, second = ImageSettings(operations=given).operations
    assert (first.name, first.amount, first.value) == ("crop_background", None, 0.02)
    assert (second.name, second.amount, second.value) == ("clahe", 3, 3)


@pytest.mark.parametrize("name", OPERATION_NAMES)
def test_every_operation_can_be_written_and_kept(name: str):
    text = f"{name}={EXAMPLES[name]}" if name in EXAMPLES else name
    settings = ImageSettings(operations=text)
    assert ImageSettings.model_validate(settings.model_dump(mode="json")) == settings


@pytest.mark.parametrize("name", AMOUNTS)
def test_amounts_have_ends(name: str):
    least, greatest, default = AMOUNTS[name]
    for amount in (least, greatest, default or EXAMPLES[name]):
        assert Operation(name=name, amount=amount).value == amount
    for amount in (least - 0.1, greatest + 0.1, float("nan")):
        assert f"between {least:g} and {greatest:g}" in why(
            operations=[{"name": name, "amount": amount}]
        )


@pytest.mark.parametrize(
    "given, reason",
    [
        ("equalize=2", "equalize takes no amount"),
        ("brightness", "brightness needs an amount between 0.1 and 10, as in 'brightness=1.2'"),
        ("resize", "resize needs an amount between 8 and 8192, as in 'resize=1024'"),
        ("contrast=1", "contrast = 1 changes nothing"),
        ("resize=99.5", "resize = 99.5 is not a whole number"),
        ("clahe=much", "valid number"),
        ("", "should be"),
    ],
)
def test_operations_without_sense_are_refused(given: str, reason: str):
    assert reason in why(operations=[given])


def test_a_typo_names_the_nearest_operation():
    with pytest.raises(TaskError, match="did you mean 'clahe'"):
        find_task("lungs").with_changes({"image.operations": "clahee"})


def test_a_typo_in_a_table_of_an_operation_names_the_nearest_key():
    sentence = r"operations\.0\.amuont\] is not a known setting; did you mean 'amount'"
    with pytest.raises(TaskError, match=sentence):
        find_task("lungs").with_changes({"image.operations": [{"name": "clahe", "amuont": 3}]})


@pytest.mark.parametrize(
    "settings, reason",
    [
        ({"channels": 1, "operations": "grayscale"}, "no effect with channels = 1"),
        ({"channels": 1, "operations": "stain_normalize"}, "needs channels = 3"),
        ({"operations": "grayscale,stain_normalize"}, "grayscale comes before it"),
        ({"scale": "percentiles", "value_range": (0, 1)}, "value_range has no effect"),
        ({"value_range": (1, 0)}, "1 is not below 0"),
        ({"value_range": (0, float("inf"))}, "finite"),
        ({"fit": "pad", "resize": 300}, "resize has no effect with fit = 'pad'"),
        ({"frame": -1}, "counted from 0"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict, reason: str):
    assert reason in why(**settings)


def test_local_colour_goes_with_one_channel():
    assert ImageSettings(channels=1, operations="local_colour").operations


@pytest.mark.parametrize("image", [{"channels": 1}, {"operations": ["grayscale"]}])
def test_dyes_need_colours(image: dict):
    changes = {f"image.{key}": value for key, value in image.items()}
    with pytest.raises(TaskError, match=r"augment.hed changes the dyes of coloured images"):
        find_task("histology").with_changes({**changes, "augment.hed": 0.1})


def test_the_fundus_task_crops_its_background():
    names = [operation.name for operation in find_task("retinopathy").image.operations]
    assert names == ["crop_background"]

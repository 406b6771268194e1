import pytest

from fastmed.errors import TaskError
from fastmed.settings.tune import Range, parse_space
from fastmed.task import Task
from fastmed.taskfile import find_task, load_tasks, to_toml


def with_space(space: object, **changes: object) -> Task:
    dotted = {key.replace("__", "."): value for key, value in changes.items()}
    return find_task("lungs").with_changes({**dotted, "tune.space": space})


def test_ranges_and_choices_are_read_in_every_way() -> None:
    text = {"train.lr": "1e-4..1e-2:log", "train.batch": "8..32:8", "train.opt": "adamw, sgd"}
    nested = {
        "train": {
            "lr": {"low": 1e-4, "high": 1e-2, "log": True},
            "batch": {"low": 8, "high": 32, "step": 8},
            "opt": ["adamw", "sgd"],
        }
    }
    lines = [f"{key}={value}" for key, value in text.items()]
    expected = {
        "train.lr": Range(low=1e-4, high=1e-2, log=True),
        "train.batch": Range(low=8, high=32, step=8),
        "train.opt": ("adamw", "sgd"),
    }
    assert with_space(text).tune.space == with_space(nested).tune.space == expected
    assert parse_space(lines) == expected
    assert parse_space(["head.hidden=[[], [256]]"]) == {"head.hidden": ([], [256])}
    assert parse_space(["train.channels_last=true,false"])["train.channels_last"] == (True, False)


def test_a_task_with_a_space_is_written_and_read_again(tmp_path) -> None:
    task = with_space({"train.lr": "1e-4..1e-2:log", "train.ema": ["none", 0.9]})
    file = tmp_path / "tasks.toml"
    file.write_text(to_toml(task), encoding="utf-8")
    assert load_tasks(file)["lungs"].tune == task.tune
    assert Task.model_validate_json(task.model_dump_json()).tune == task.tune


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ({}, "the space has no setting"),
        (5, "the space has no setting"),
        ({"train.lrr": [1, 2]}, "train.lrr is not a known setting; did you mean 'train.lr'?"),
        ({"trian": {"lr": [1, 2]}}, "did you mean 'train.lr'?"),
        ({"train.lr": [1e-3]}, "are not two or more different values"),
        ({"train.lr": [1e-3, 1e-3]}, "are not two or more different values"),
        ({"train.lr": 1e-3}, "0.001 is one value"),
        ({"train.lr": "1..1"}, "1..1 has no second value"),
        ({"train.lr": "2..1"}, "write LOW..HIGH, with LOW below HIGH"),
        ({"train.lr": "0..1:log"}, "no logarithm at its lower end"),
        ({"train.lr": "1..2:5"}, "needs a step between 0 and 1"),
        ({"train.lr": {"low": 1, "hihg": 2}}, "a range has no 'hihg'; did you mean 'high'?"),
        ({"train.lr": {"low": 1}}, "train.lr: high: field required"),
        ({"train.lr": {"low": 1, "high": float("inf")}}, "an end that is no number"),
        ({"train.lr": "0..0.1"}, "train.lr does not take 0.0: input should be greater than 0"),
        ({"train.opt": ["adamw", "sdg"]}, "does not take 'sdg'; did you mean 'sgd'?"),
        ({"train.opt": "1..2"}, "train.opt takes no range; list its values"),
        ({"train.epochs": "1..2.5"}, "train.epochs takes whole numbers, not 1..2.5"),
        ({"train.batch": "4..8:0.5"}, "train.batch takes whole numbers"),
        ({"head.dropout": "0..1"}, "head.dropout does not take 1.0"),
        ({"train.mixup": ["none", 0.2]}, "train.mixup does not take 'none'"),
        ({"train.seed": [1, 2]}, "train.seed is luck and no setting"),
        ({"train.select": ["auroc", "accuracy"]}, "train.select is what the search goes by"),
        ({"split.valid": "0.1..0.2"}, "split.valid can't be searched"),
        ({"train.lr": [1, 2], "train": {"lr": [3, 4]}}, "train.lr stands twice"),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(space: object, sentence: str) -> None:
    with pytest.raises(TaskError) as refused:
        with_space(space)
    assert sentence in str(refused.value)


def test_a_loss_that_changes_its_meaning_is_no_measure() -> None:
    space = {"train.loss": ["focal", "bce"]}
    assert with_space(space, train__select="auroc").tune.space
    with pytest.raises(TaskError, match=r"train.loss changes what the loss means"):
        with_space(space, train__select="valid_loss")


@pytest.mark.parametrize("line", ["train.lr", "=1..2", "train.lr=5", "train.lr=[1"])
def test_lines_that_are_none_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"is no line|is one value|not two or more|no list"):
        parse_space([line])


def test_epochs_of_the_whole_network_may_be_none_after_frozen_ones() -> None:
    changes = {"train.pretrained": True, "train.freeze_epochs": 2, "train.epochs": 0}
    assert find_task("lungs").with_changes(changes).train.all_epochs == 2
    with pytest.raises(TaskError, match="epochs = 0 trains nothing"):
        find_task("lungs").with_changes({"train.epochs": 0})

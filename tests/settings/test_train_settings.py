"""Settings of a training that would have no effect are refused, each in one sentence."""

import pytest
from conftest import tiny_task

from fastmed.errors import TaskError
from fastmed.settings.data import BalanceSettings
from fastmed.task import Task
from fastmed.taskfile import find_task, to_toml

NO_EFFECT = {
    "label smoothing of focal": (
        "lungs", {"train.loss": "focal", "train.label_smoothing": 0.1},
        "train.label_smoothing has no effect with the loss focal",
    ),
    "gamma of another loss": (
        "lungs", {"train.focal_gamma": 1.0}, "focal_gamma has no effect with loss = 'cross_entropy'"
    ),
    "beta of another loss": (
        "retinopathy", {"train.loss": "mse", "train.smooth_l1_beta": 2.0},
        "smooth_l1_beta has no effect with loss = 'mse'",
    ),
    "delta of no loss": (
        "lungs", {"train.loss": None, "train.huber_delta": 2.0},
        "train.huber_delta has no effect with the loss cross_entropy",
    ),
    "ordinal categories": (
        "lungs", {"train.loss": "corn"}, "does not fit goal = 'category'",
    ),
    "a file without a function": (
        "lungs", {"train.loss": "mine.py"}, "say which function of it, as in mine.py:NAME",
    ),
    "weights for an own loss": (
        "lungs", {"train.loss": "mine.py:f", "balance.method": "class_weights"},
        "no effect with the loss mine.py:f, which is your own; it weights cross_entropy, focal, bce"
    ),
    "momentum of adagrad": (
        "lungs", {"train.opt": "adagrad", "train.momentum": 0.5},
        "momentum has no effect with opt = 'adagrad'",
    ),
    "momentum of one cycle": (
        "lungs", {"train.opt": "sgd", "train.momentum": 0.5},
        "momentum has no effect with schedule = 'one_cycle'",
    ),
    "warm-up of one cycle": (
        "lungs", {"train.warmup_epochs": 1}, "warmup_epochs has no effect with schedule = 'one_",
    ),
    "warm-up without end": (
        "lungs", {"train.schedule": "cosine", "train.warmup_epochs": 2},
        "warmup_epochs = 2 leaves none of 2 epochs at the full rate",
    ),
    "two ways to slow": (
        "lungs", {"train.pretrained": True, "train.layer_decay": 0.8, "train.lr_spread": 10},
        "lr_spread and layer_decay both say how the body is slowed",
    ),
    "layer decay of a random body": (
        "lungs", {"train.layer_decay": 0.8}, "layer_decay has no effect with pretrained = false",
    ),
    "LBFGS": (
        "lungs", {"train.opt": "LBFGS"}, "'LBFGS' can't train here: it computes the loss several",
    ),
    "mixup and cutmix": (
        "lungs", {"train.mixup": 0.4, "train.cutmix": 1.0}, "mixup and cutmix both mix",
    ),
    "cutmix of grades": (
        "retinopathy", {"train.cutmix": 1.0}, "no grade follows from the shares; use train.mixup",
    ),
    "mixing one image": (
        "lungs", {"train.mixup": 0.4, "train.batch": 1}, "can't be mixed with batch = 1",
    ),
    "growing without a start": (
        "lungs", {"train.grow_epochs": 1}, "grow_epochs has no effect without start_size",
    ),
    "growing from the full size": (
        "lungs", {"train.start_size": 32}, "train.start_size = 32 is not smaller than image.size",
    ),
    "growing without end": (
        "lungs", {"train.start_size": 16, "train.grow_epochs": 2},
        "start_size leaves none of 2 epochs at the full size",
    ),
    "patience of all epochs": (
        "lungs", {"train.patience": 1}, "patience = 1 has no effect in 2 epochs",
    ),
    "patches of metadata": (
        "pneumonia", {"meta": ["age"], "train.arch": "metadata", "train.cutmix": 1.0},
        "train.cutmix has no effect with train.arch = 'metadata'",
    ),
    "layout of metadata": (
        "pneumonia", {"meta": ["age"], "train.arch": "metadata", "train.channels_last": True},
        "train.channels_last has no effect with train.arch = 'metadata'",
    ),
    "beta without weights": (
        "lungs", {"balance.beta": 0.9}, "beta has an effect only with method = 'class_weights'",
    ),
    "weights of grades": (
        "retinopathy", {"balance.method": "class_weights"}, "needs goal = 'category'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_EFFECT)
def test_what_has_no_effect_is_refused(case: str) -> None:
    name, changes, sentence = NO_EFFECT[case]
    task = tiny_task(name)
    with pytest.raises(TaskError) as caught:
        task.with_changes(changes)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


TOGETHER = {
    "momentum of RMSprop, which one cycle leaves alone": {
        "train.opt": "RMSprop", "train.momentum": 0.9,
    },
    "patience in a frozen phase": {
        "train.freeze_epochs": 9, "train.epochs": 2, "train.patience": 3, "train.pretrained": True,
    },
    "weights of bce": {"train.loss": "bce", "balance.method": "class_weights", "balance.beta": 0.9},
    "layer decay of a task with a spread": {"train.pretrained": True, "train.layer_decay": 0.7},
}  # fmt: skip


@pytest.mark.parametrize("case", TOGETHER)
def test_what_goes_together_is_taken(case: str) -> None:
    task = tiny_task("histology").with_changes(TOGETHER[case])
    assert Task.model_validate(task.model_dump(mode="json")) == task


def test_a_spread_goes_when_layers_decay() -> None:
    task = find_task("histology")
    assert task.train.lr_spread == 10
    assert task.with_changes({"train.layer_decay": 0.7}).train.lr_spread is None


def test_every_choice_reads_back_from_toml(tmp_path) -> None:
    changes = {
        "train.loss": "FocalLoss", "train.focal_gamma": 1.5, "train.opt": "RAdam",
        "train.schedule": "cosine", "train.warmup_epochs": 0.5, "train.mixup": 0.2,
        "train.ema": 0.999, "train.accumulate": 4, "train.clip": 1.0, "train.precision": "bf16",
        "train.channels_last": True, "train.patience": 3, "train.start_size": 128,
        "train.epochs": 9, "balance.method": "class_weights", "balance.beta": 0.999,
    }  # fmt: skip
    task = find_task("lungs").with_changes(changes)
    file = tmp_path / "tasks.toml"
    file.write_text(to_toml(task), encoding="utf-8")
    assert find_task("lungs", file) == task


def test_balance_methods() -> None:
    assert BalanceSettings(method="sampler").beta is None

"""Settings of several parts of a task that would have no effect together."""

from typing import TYPE_CHECKING

from fastmed.settings.objective import OWN_NUMBER, SMOOTHED, WEIGHTED, is_own

if TYPE_CHECKING:
    from fastmed.task import Task

# What is done to images or to a body, and so has no effect on metadata alone: as it is left out.
WITHOUT_IMAGES: dict[str, float | bool | None] = {
    "train.cutmix": 0.0,
    "train.start_size": None,
    "train.grow_epochs": None,
    "train.channels_last": False,
    "train.layer_decay": None,
}


def check_effects(task: "Task") -> None:
    """Refuse settings that would do nothing, or nothing that makes sense.

    Raises:
        ValueError: says which setting, and why.
    """
    _check_loss(task)
    _check_balance(task)
    _check_mixing(task)
    _check_size(task)
    for key in WITHOUT_IMAGES if task.metadata_only else ():
        if getattr(task.train, key.removeprefix("train.")):
            raise ValueError(f"{key} has no effect with train.arch = 'metadata'")


def _check_loss(task: "Task") -> None:
    for setting, loss in OWN_NUMBER.items():
        if getattr(task.train, setting) is not None and task.loss != loss:
            raise ValueError(f"train.{setting} has no effect with the loss {task.loss}")
    if task.train.label_smoothing and task.loss not in SMOOTHED:
        raise ValueError(f"train.label_smoothing has no effect with the loss {task.loss}")


def _check_balance(task: "Task") -> None:
    if task.balance.method == "class_weights" and task.loss not in WEIGHTED:
        own = ", which is your own" if is_own(task.loss) else ""
        raise ValueError(
            f"balance.method = 'class_weights' has no effect with the loss {task.loss}{own}; "
            f"it weights {', '.join(WEIGHTED)}"
        )


def _check_mixing(task: "Task") -> None:
    if task.train.cutmix and task.goal == "grade":
        raise ValueError(
            "train.cutmix pastes a part of one image into another, and no grade follows from the "
            "shares; use train.mixup"
        )


def _check_size(task: "Task") -> None:
    if task.train.start_size is not None and task.train.start_size >= task.image.size:
        raise ValueError(
            f"train.start_size = {task.train.start_size} is not smaller than image.size = "
            f"{task.image.size}"
        )

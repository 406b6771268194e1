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
    "train.channels_last": None,
    "train.layer_decay": None,
}


def check_effects(task: "Task") -> None:
    """Refuse settings that would do nothing, or nothing that makes sense.

    Raises:
        ValueError: says which setting, and why.
    """
    _check_head(task)
    _check_loss(task)
    _check_balance(task)
    _check_mixing(task)
    _check_size(task)
    _check_prior(task)
    _check_positive(task)
    for key in WITHOUT_IMAGES if task.metadata_only else ():
        if getattr(task.train, key.removeprefix("train.")):
            raise ValueError(f"{key} has no effect with train.arch = 'metadata'")


def _check_head(task: "Task") -> None:
    if not task.head.own:
        return
    if task.metadata_only:
        raise ValueError("head.own has no effect with train.arch = 'metadata'")
    if task.meta:
        raise ValueError("head.own leaves no place for metadata; take meta = []")
    if task.loss == "coral":
        raise ValueError("head.own has no effect with the loss coral, which has a head; take corn")


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


def _check_prior(task: "Task") -> None:
    plain = task.goal == "grade" and not task.ordinal
    if plain and not task.predict.calibrate:
        raise ValueError(
            f"predict.calibrate = false has no effect with the loss {task.loss}: the network gives "
            "a value, and there are no probabilities before they are fitted"
        )
    if task.predict.prior is None:
        return
    if plain:
        raise ValueError(
            f"predict.prior has no effect with the loss {task.loss}: probabilities of grades are "
            "fitted on the validation part, which is not balanced"
        )
    if task.balance.method == "none" or not task.predict.calibrate:
        why = "balance.method = 'none'" if task.predict.calibrate else "predict.calibrate = false"
        raise ValueError(f"predict.prior has no effect with {why}")


def _check_positive(task: "Task") -> None:
    positive = task.predict.positive
    if positive is not None and positive not in task.classes:
        raise ValueError(f"predict.positive = '{positive}' is none of the classes")
    if positive is not None and task.goal == "grade":
        raise ValueError(
            "predict.positive has no effect with goal = 'grade'; the first grade of interest is "
            "scores.referable"
        )

"""How findings are coded: by the task's own codes, or by a private scheme that is documented."""

import hashlib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from fastmed.dicom_out.objects import short
from fastmed.errors import TaskError
from fastmed.files import read_text
from fastmed.task import Task

if TYPE_CHECKING:
    from highdicom.sr import CodedConcept

SCHEME = "99FASTMED"  # a private coding scheme begins with 99 (PS3.3, 8.2)
SCHEME_NAME = "Codes of fastmed: classes of tasks, and what is said of predictions"
_DIGITS = 12
# Codes of the private scheme that are the same in every task.
VALUE = ("VALUE", "Value on the scale of the grades")
THRESHOLD = ("THRESHOLD", "Threshold of the probability")
FLAGGED = ("FLAGGED", "Flagged by the operating point")
UNLIKE = ("UNLIKE", "Unlike the images that the network was trained on")
ABSTAINED = ("ABSTAINED", "Left to a reader as uncertain")


def with_codes(task: Task, file: str | Path | None) -> Task:
    """Return the task with the codes of a TOML file in the place of its own.

    The file has a table for each class, as ``"Lung Opacity" = {value = "...", scheme = "SCT",
    meaning = "..."}``.

    Raises:
        TaskError: it can't be read, names no class, or a code doesn't fit.
    """
    if file is None:
        return task
    try:
        codes = tomllib.loads(read_text(Path(file)))
    except OSError as error:
        raise TaskError(f"can't read {file}: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:
        raise TaskError(f"{file} is no TOML file of codes: {error}") from None
    return task.with_changes({"predict.codes": codes})


def class_code(task: Task, name: str) -> "CodedConcept":
    """Return the code of a class: the task's own, or a private one."""
    from highdicom.sr import CodedConcept

    own = task.predict.codes.get(name)
    if own is not None:
        return CodedConcept(own.value, own.scheme, own.meaning)
    return private((private_value("C", task.name, name), name))


def chance_code(task: Task, name: str) -> "CodedConcept":
    """Return the code for the probability of a class."""
    return private((private_value("P", task.name, name), f"Probability of {name}"))


def private(code: tuple[str, str]) -> "CodedConcept":
    """Return a code, with its meaning, of the private scheme."""
    from highdicom.sr import CodedConcept

    value, meaning = code
    return CodedConcept(value, SCHEME, short(meaning))


def private_value(kind: str, task: str, name: str) -> str:
    """Return the private code of a class of a task: a letter, and 12 digits of a hash of both."""
    digest = hashlib.sha256(f"{task}/{name}".encode()).hexdigest()
    return f"{kind}{digest[:_DIGITS].upper()}"

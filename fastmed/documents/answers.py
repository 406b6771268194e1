"""What the user says about a run: ``card.toml``, read and checked."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from fastmed.documents.blanks import BLANKS
from fastmed.errors import RunError, nearest
from fastmed.files import read_text

ANSWERS_FILE = "card.toml"
NOT_APPLICABLE = "not_applicable"
_CARD = "card"
_LONGEST = 2**20  # bytes


@dataclass(frozen=True)
class ItemAnswer:
    """What the user says to one item of a checklist.

    Attributes:
        text: the answer, or why the item does not apply.
        applies: False if it does not.
    """

    text: str
    applies: bool = True


@dataclass(frozen=True)
class Answers:
    """What the user says: to the blanks of the card, and to items of checklists.

    Attributes:
        blanks: by key of `BLANKS`.
        items: by checklist and number.
    """

    blanks: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, Mapping[str, ItemAnswer]] = field(default_factory=dict)


def read_answers(file: Path, numbers: Mapping[str, Collection[str]]) -> Answers:
    """Return the answers of a file.

    Args:
        file: TOML with the table ``card`` (a text for each blank), and one for each checklist
            (for each item's number a text, or ``{not_applicable = "why"}``).
        numbers: the items of each checklist that there is.

    Raises:
        RunError: it can't be read, or a key or value is not of its kind; the nearest is named.
    """
    content = _content(file)
    for name in content:
        if name not in (_CARD, *numbers):
            _refuse(file, f"[{name}]", "table", name, [_CARD, *numbers])
        if not isinstance(content[name], dict):
            raise RunError(f"{file}: '{name}' is a value; expected the table [{name}]")
    for key in content.get(_CARD, {}):
        if key not in BLANKS:
            _refuse(file, f"[{_CARD}] {key}", "blank of the card", key, BLANKS)
    blanks = {
        key: _text(file, f"[{_CARD}] {key}", text) for key, text in content.get(_CARD, {}).items()
    }
    items = {
        name: _items(file, name, content[name], numbers[name]) for name in content.keys() - {_CARD}
    }
    return Answers(blanks, items)


def _content(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(file, _LONGEST))
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise RunError(f"the answers in {file} can't be read: {cause}") from None
    except (ValueError, RecursionError) as error:
        raise RunError(f"{file} is not valid TOML: {error}") from None


def _items(
    file: Path, name: str, table: Mapping[str, Any], numbers: Collection[str]
) -> dict[str, ItemAnswer]:
    found = {}
    for number, value in table.items():
        if number not in numbers:
            _refuse(file, f"[{name}] {number}", "item of this checklist", number, numbers)
        found[number] = _item(file, f"[{name}] {number}", value)
    return found


def _item(file: Path, where: str, value: object) -> ItemAnswer:
    if not isinstance(value, dict):
        return ItemAnswer(_text(file, where, value))
    if list(value) != [NOT_APPLICABLE]:
        raise RunError(f'{file}: {where} is neither a text nor {{{NOT_APPLICABLE} = "why"}}')
    return ItemAnswer(_text(file, where, value[NOT_APPLICABLE]), applies=False)


def _text(file: Path, where: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise RunError(f"{file}: {where} = {value!r} is not a text with something in it")
    return value.strip()


def _refuse(file: Path, where: str, what: str, key: str, known: Collection[str]) -> NoReturn:
    close = nearest(key, known)
    few = (
        f"; there are {', '.join(known)}"
        if len(known) < 9
        else "; docs/reference/card.md lists them"
    )
    raise RunError(f"{file}: {where} is no {what}{close or few}")

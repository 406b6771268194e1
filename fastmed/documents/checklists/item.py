"""One item of a checklist, and what a card can say to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Card = dict[str, Any]
State = Literal["AUTO", "USER", "N/A"]
STATES: tuple[State, ...] = ("AUTO", "USER", "N/A")


class Known(NamedTuple):
    """The card answers the item.

    Attributes:
        pointer: where in the card the answer is (JSON pointer, RFC 6901).
        line: the answer in one line.
    """

    pointer: str
    line: str


class Partly(NamedTuple):
    """The card knows something about the item, and the user has to say the rest."""

    pointer: str
    line: str


class NotApplicable(NamedTuple):
    """The item has nothing to ask of this run."""

    reason: str


Said = Known | Partly | NotApplicable | None
Rule = Callable[[Card], Said]


def partly(rule: Rule) -> Rule:
    """Return a rule for an item of which the answer of another rule is only a part."""

    def of_card(card: Card) -> Said:
        said = rule(card)
        return Partly(said.pointer, said.line) if isinstance(said, Known) else said

    return of_card


class Item(NamedTuple):
    """One item of a checklist, in words of our own.

    Attributes:
        number: as the publication has it, with the letter of a sub-item.
        section: of the publication's list.
        asks: what is asked for.
        rule: what the card says to it; None if no run can know.
        blanks: keys of what the user writes; all of them together are the answer.
    """

    number: str
    section: str
    asks: str
    rule: Rule | None = None
    blanks: tuple[str, ...] = ()


# Number, what is asked, rule, and keys of blanks.
Row = tuple[str, str, Rule | None, *tuple[str, ...]]


def items_of(sections: Mapping[str, Sequence[Row]]) -> tuple[Item, ...]:
    """Return the items of a list that is written down by sections."""
    return tuple(
        Item(number, section, asks, rule, tuple(blanks))
        for section, rows in sections.items()
        for number, asks, rule, *blanks in rows
    )


@dataclass(frozen=True)
class Checklist:
    """A published list of what a report has to say.

    Attributes:
        name: that the user types.
        title: of the publication's list.
        edition: which one it follows.
        source: the paper. doi: of it.
        counting: how the publication counts its items.
        items: in the publication's order.
    """

    name: str
    title: str
    edition: str
    source: str
    doi: str
    counting: str
    items: Sequence[Item]

    @property
    def numbers(self) -> list[str]:
        """The numbers of the items, in order."""
        return [item.number for item in self.items]

"""The page of several clients: one row each, which leads to the client's own page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastmed.clients.model import Model
from fastmed.clients.page import NAMES, tested_section
from fastmed.page.document import Notice, Section, Sheet
from fastmed.reporting.drawing import sheet
from fastmed.reporting.page import html
from fastmed.reporting.sections.verdict import RESEARCH
from fastmed.reporting.words import count, percent, plain_number

Record = Mapping[str, Any]


def summary_page_of(clients: Sequence[Record], page: str, model: Model) -> str:
    """Return the page of several clients as HTML.

    Args:
        clients: their records, each with its ``folder``.
        page: the name of the page in a client's folder.
        model: that predicted.
    """
    images = sum(len(one["images"]) for one in clients)
    facts = [("clients", f"{len(clients):,}"), ("images", f"{images:,}")]
    if model.point is not None:
        flagged = sum(bool(one["summary"] and one["summary"]["flagged"]) for one in clients)
        facts.append(("clients flagged", f"{flagged:,}"))
    text = "Each row leads to the client's own page. Images are counted that could be read."
    tables = [_table(clients, page, model)]
    return html(
        "Client reports",
        model.task.title,
        f"By run {model.run.path.name}, network {model.network}.",
        [Section("clients", "Clients", [text], tables=tables), tested_section(model)],
        facts=facts,
        notices=list(_notices(clients)),
        images=NAMES if not model.task.pseudonymise else "Names are pseudonyms.",
    )


def _notices(clients: Sequence[Record]) -> Iterator[Notice]:
    bad = [one for one in clients if one["unreadable"]]
    if bad:
        total = sum(len(one["unreadable"]) for one in bad)
        yield Notice("error", f"{count(total, 'image')} of {count(len(bad), 'client')} could not "
                     "be read; their pages say why.", "not read", "clients")  # fmt: skip
    empty = sum(not one["images"] for one in clients)
    if empty:
        yield Notice("error", f"Nothing is said of {count(empty, 'client')}: there is no image "
                     "that could be read.", "empty", "clients")  # fmt: skip
    mixed = sum((one["patients"] or 0) > 1 for one in clients)
    if mixed:
        yield Notice("error", f"The folders of {count(mixed, 'client')} hold images of several "
                     "patients.", "whose images", "clients")  # fmt: skip
    strange = sum(bool(one["summary"] and one["summary"]["unlike"]) for one in clients)
    if strange:
        yield Notice("warning", f"{count(strange, 'client')} with images unlike those that the "
                     "network was trained on.", "unlike", "clients")  # fmt: skip
    yield Notice("note", RESEARCH, "use")


def _table(clients: Sequence[Record], page: str, model: Model) -> Sheet:
    grades, flags = model.task.goal == "grade", model.point is not None
    columns = ["client", "predicted", "mean value" if grades else "mean probability"]
    columns += [*(["images flagged"] if flags else []), "images", "look at"]
    rows = [_row(one, grades, flags) for one in clients]
    own = sheet("clients", columns, rows, words=(1, len(columns) - 1))
    return own._replace(links=[quote(f"{one['folder']}/{page}") for one in clients])


def _row(client: Record, grades: bool, flags: bool) -> list[object]:
    found = client["summary"]
    if found is None:
        return [client["name"], None, None, *([None] if flags else []), 0, _odd(client)]
    value = plain_number(found["value"]) if grades else percent(
        found["probabilities"][found["predicted"]]
    )  # fmt: skip
    flagged = [found["flagged"]] if flags else []
    return [client["name"], found["predicted"], value, *flagged, found["images"], _odd(client)]


def _odd(client: Record) -> str:
    """Return in a few words what stands out in a client's images."""
    found = client["summary"] or {}
    told = [
        f"{len(client['unreadable'])} not read" if client["unreadable"] else "",
        "several patients" if (client["patients"] or 0) > 1 else "",
        f"{found['unlike']} unlike" if found.get("unlike") else "",
    ]
    return ", ".join(filter(None, told)) or "-"

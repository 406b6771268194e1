"""The data: how many images of whom, how they were shared out, and what was left out."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastmed.page.document import Section, Sheet
from fastmed.reporting.drawing import picture_of, sheet
from fastmed.reporting.story import Story
from fastmed.reporting.words import amount, count, plain_number
from fastmed.results.figures.flow import flow_figure

_MOST_REASONS = 6
FIRST = ("age", "sex")  # metadata that stand open; others only if the network sees them


def data(story: Story) -> Section:
    """Return the flow of images into the parts, and the classes in each."""
    flow = story.card["data"]["flow"]
    out = [amount(flow["left_out"]), *_reasons(story)]
    parts = {name: amount(one) for name, one in flow["parts"].items()}
    figure = flow_figure(amount(flow["found"]), out, amount(flow["used"]), parts)
    alt = (
        f"Flow diagram: {amount(flow['found'])} found, {'; '.join(out)} left out, "
        f"{amount(flow['used'])} used: "
        + ", ".join(f"{name} {told}" for name, told in parts.items())
    )
    return Section(
        "data", "Data", list(_sentences(story)), figure=picture_of(figure, alt),
        tables=[_classes(story), *_metadata(story)],
    )  # fmt: skip


def _reasons(story: Story) -> list[str]:
    reasons = story.card["data"]["flow"]["left_out"]["reasons"]
    told = [f"{one['images']:,}: {one['reason']}" for one in reasons[:_MOST_REASONS]]
    more = len(reasons) - len(told)
    return [*told, f"{more} more reasons"] if more else told


def _sentences(story: Story) -> Iterator[str]:
    card = story.card
    split = card["data"]["split"]["sentence"]
    yield f"Parts: {split[0].lower()}{split[1:]}"
    patients = card["data"]["patients"]
    if patients["known"] == "none":
        yield "No patient is known: each image counts as one of its own."
    else:
        lost = patients["images_without"]
        but = f"; of {count(lost, 'image')} the patient is unknown" if lost else ""
        yield f"Patients are known by {patients['by']}{but}."
    for key, name in (("data_sources", "Sources"), ("reference_standard", "Reference standard")):
        said = card["blanks"][key]["answer"]
        yield f"{name}: {said}" if said else f"{name}: not told ({key} in card.toml)."


def _classes(story: Story) -> Sheet:
    parts = [*story.card["data"]["flow"]["parts"]]
    rows = [
        [name, _short(one["found"]), *(_short(one["parts"][part]) for part in parts)]
        for name, one in story.card["data"]["classes"].items()
    ]
    known = story.card["data"]["patients"]["known"] != "none"
    caption = f"Images{' (patients)' if known else ''} of each class in each part"
    return sheet("classes", ["class", "found", *parts], rows, caption)


def _short(found: Mapping[str, int | None]) -> str:
    patients = found["patients"]
    return f"{found['images']:,}" + ("" if patients is None else f" ({patients:,})")


def _metadata(story: Story) -> Iterator[Sheet]:
    for name, one in story.card["data"]["metadata"].items():
        number = one["kind"] == "number"
        told_by = ("mean", "median", "quartiles") if number else ("values",)
        rows = [
            [part, found["n"], found["known"], *(_numbers(found) if number else [_values(found)])]
            for part, found in one["parts"].items()
        ]
        seen = ", which the network sees" if one["input"] else ""
        caption = f"{name}{seen}; each patient counts once"
        words = () if number else (3,)
        own = sheet(f"metadata_{name}", ["part", "n", "known", *told_by], rows, caption, words)
        is_open = one["input"] or name in FIRST
        yield own if is_open else own._replace(folded=True, summary=f"Metadata: {name}")


def _numbers(found: Mapping[str, Any]) -> list[str]:
    quartiles = [plain_number(found[name]) for name in ("lower_quartile", "upper_quartile")]
    return [plain_number(found["mean"]), plain_number(found["median"]), " to ".join(quartiles)]


def _values(found: Mapping[str, Any]) -> str:
    told = [f"{name} {number}" for name, number in found["values"].items()]
    return ", ".join([*told, *([f"others {found['others']}"] if found["others"] else [])])

"""The page of a client: what was found, the images, how the model did, who made it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastmed.clients.findings import Finding
from fastmed.clients.model import Model
from fastmed.clients.words import (
    HEATMAPS,
    finding_sentences,
    left,
    meaning,
    several_patients,
    strange,
    unread,
)
from fastmed.page.document import Gallery, Notice, Picture, Section, Sheet
from fastmed.reporting.drawing import sheet
from fastmed.reporting.page import html
from fastmed.reporting.sections.verdict import RESEARCH, class_tables, how_well
from fastmed.reporting.words import percent, plain_number
from fastmed.results.figures.heatmaps import METHOD_LABELS

ROWS = 6  # images whose rows are shown; those of more are folded
SAID = {"image", "predicted", "probability", "value", "flagged"}  # below each picture, too
NAMES = "Images are told by the names of their files."
Record = Mapping[str, Any]


def page_of(
    client: Record, finding: Finding | None, pictures: Sequence[Picture], model: Model, made: Record
) -> str:
    """Return the page of a client as HTML.

    Args:
        client: its record.
        finding: of its images; None if none could be read.
        pictures: of the images that say most.
        model: that predicted.
        made: the head of the record.
    """
    images = len(client["images"])
    sections = [*_found(client, finding, model), *_images(client, pictures, model, made)]
    return html(
        "Client report",
        client["name"],
        f"{model.task.title}. By run {model.run.path.name}, network {model.network}.",
        [*sections, tested_section(model), _made(model, made)],
        facts=list(_facts(client, finding, model, images)),
        notices=list(_notices(client, model, images)),
        images=NAMES if not model.task.pseudonymise else "Names are pseudonyms.",
        compact=True,
    )


def _facts(
    client: Record, finding: Finding | None, model: Model, images: int
) -> Iterator[tuple[str, str]]:
    if finding is not None:
        yield "predicted", finding.predicted
        if finding.value is not None:
            yield "value" if images == 1 else "mean value", plain_number(finding.value)
        else:
            label = "probability" if images == 1 else "mean probability"
            yield label, percent(finding.probabilities[finding.predicted])
        if finding.flagged is not None:
            single = "yes" if finding.flagged else "no"
            yield "flagged", single if images == 1 else f"{finding.flagged} of {images}"
    bad = len(client["unreadable"])
    yield "images", f"{images}" if not bad else f"{images} of {images + bad}"


def _notices(client: Record, model: Model, images: int) -> Iterator[Notice]:
    bad = [(one["image"], one["reason"]) for one in client["unreadable"]]
    if not images:
        yield Notice("error", "There is no image that could be read, so nothing is said.", "empty")
    if bad:
        yield Notice("error", unread(bad), "not read", "images")
    if (client["patients"] or 0) > 1:
        yield Notice("error", several_patients(client["patients"]), "whose images", "images")
    odd = [(one["image"], one["unlike"]) for one in client["images"] if one["unlike"]]
    if odd:
        yield Notice("warning", strange(odd, images), "unlike", "images")
    uncertain = sum(bool(one["abstained"]) for one in client["images"])
    if uncertain:
        yield Notice("warning", left(uncertain, images), "uncertain", "images")
    yield Notice("note", RESEARCH, "use")


def _found(client: Record, finding: Finding | None, model: Model) -> Iterator[Section]:
    if finding is None:
        return
    images = len(client["images"])
    said = [*finding_sentences(finding, model, images), meaning(model)]
    tables = [_probabilities(finding, images), *_thresholds(client, model)]
    yield Section("finding", "Finding", said, tables=tables)


def _probabilities(finding: Finding, images: int) -> Sheet:
    if images == 1:
        rows = [[name, percent(chance)] for name, chance in finding.probabilities.items()]
        return sheet("probabilities", ["class", "probability"], rows)
    rows = [
        [name, percent(chance), percent(finding.highest[name].probability),
         finding.highest[name].image, str(finding.counts[name])]
        for name, chance in finding.probabilities.items()
    ]  # fmt: skip
    columns = ["class", "mean probability", "highest", "in image", "images predicted"]
    return sheet("probabilities", columns, rows, words=(3,))


def _thresholds(client: Record, model: Model) -> Iterator[Sheet]:
    """Yield what thresholds that the run keeps say of the images."""
    if not model.others:
        return
    rows = [
        [f"{one.rule.positive}: {one.rule.text}", percent(one.threshold), reached["images"],
         percent(one.sensitivity), percent(one.specificity)]
        for one, reached in zip(model.others, client["summary"]["reached"], strict=True)
    ]  # fmt: skip
    yield sheet(
        "thresholds",
        ["threshold by", "probability", "images that reach it", "finds", "clears"],
        rows,
        "Thresholds that the run keeps, and the shares that they found and cleared on the "
        "validation part",
    )


def _images(
    client: Record, pictures: Sequence[Picture], model: Model, made: Record
) -> Iterator[Section]:
    if not client["images"] and not client["unreadable"]:
        return
    galleries, said, tables = [], [], []
    number = len(client["images"])
    if pictures:
        some = f"the {len(pictures)} of {number} that say most" if len(pictures) < number else ""
        galleries = [Gallery(METHOD_LABELS[made["heatmap_method"]], pictures, some, wide=True)]
        said = [HEATMAPS]
    table = _table(client["images"], model)
    if number > len(pictures) or (number and set(table.columns) - SAID):
        tables.append(table._replace(folded=number > ROWS, summary=f"All {number} images"))
    if len(client["unreadable"]) > 1:
        rows = [[one["image"], one["reason"]] for one in client["unreadable"]]
        tables.append(sheet("unreadable", ["not read", "reason"], rows, words=(1,)))
    yield Section("images", "Images", said, galleries, tables=tables)


def _table(images: Sequence[Record], model: Model) -> Sheet:
    """Return a row for each image."""
    columns, words = ["image", "predicted", "probability"], [1]
    extra: list[tuple[str, str, Any]] = []
    if model.task.goal == "grade":
        extra.append(("value", "value", plain_number))
    if model.point is not None:
        extra.append(("flagged", "flagged", _yes))
    if model.coverage is not None:
        extra.append(("set", "set", lambda names: ", ".join(names) or "none"))
    if model.abstain is not None:
        extra.append(("left to a reader", "abstained", _yes))
    if any(one["unlike"] for one in images):
        extra.append(("unlike in", "unlike", str))
    words += [3 + place for place, (name, *_) in enumerate(extra) if name != "value"]
    meta = list(model.task.meta)
    words += range(3 + len(extra), 3 + len(extra) + len(meta))
    rows = [
        [one["image"], one["predicted"], percent(one["probability"]),
         *(show(one[key]) for _, key, show in extra), *map(_told, one["metadata"].values())]
        for one in images
    ]  # fmt: skip
    return sheet("images", [*columns, *(name for name, *_ in extra), *meta], rows, words=words)


def _told(value: object) -> object:
    """Return metadata as people write it: whole numbers without a place."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _yes(value: object) -> str:
    return "yes" if value else "no"


def tested_section(model: Model) -> Section:
    """Return how the model did when it was tested."""
    title, story = "How the model did when it was tested", model.story
    return Section("tested", title, [how_well(story)], tables=class_tables(story))


def _made(model: Model, made: Record) -> Section:
    views = f"; predictions are the mean over {', '.join(model.views)}" * (len(model.views) > 1)
    said = (
        f"Made {made['made']} by fastmed {made['fastmed']} with the run {model.run.path.name}, "
        f"trained {str(model.trained)[:10]}; network {model.network}, weights SHA-256 "
        f"{model.weights_sha256}{views}; heat maps by {METHOD_LABELS[made['heatmap_method']]}."
    )
    return Section("made", "Who made this", [said])

"""Provenance: what the result was made of, so that it can be made again."""

from collections.abc import Iterator

from fastmed.page.document import Section
from fastmed.reporting.drawing import sheet
from fastmed.reporting.story import Story


def provenance(story: Story) -> Section:
    """Return hashes, seeds, machine and versions."""
    rows = [[name, value] for name, value in _facts(story) if value not in {None, ""}]
    versions = [[name, number] for name, number in story.card["software"].items()]
    text = "What it takes to make the model again: the same data, settings, seeds and versions."
    tables = [sheet("provenance", ["what", "value"], rows, words=(1,))]
    if versions:
        tables.append(sheet("versions", ["package", "version"], versions, words=(1,))._replace(
            folded=True, summary="Versions of packages"))  # fmt: skip
    return Section("provenance", "Provenance", [text], tables=tables)


def _facts(story: Story) -> Iterator[tuple[str, object]]:
    card = story.card
    yield "name", card["name"]
    yield "trained", card["training"]["created"]
    yield "hash of images, labels, patients and parts", card["data"]["root_hash"]
    yield "SHA-256 of the weights", card["network"]["weights_sha256"]
    yield "seed of the parts", card["data"]["split"]["seed"]
    yield "seed of the training", card["training"]["seeds"]["training"]
    yield "device", card["training"]["machine"]["device"]
    yield "declared source of the data", ", ".join(card["data"]["declared_source"])
    yield (
        "how images were read",
        "; ".join(
            f"{one['decoder']}, {one['scaling']}: {one['images']:,}"
            for one in card["data"]["reading"]
        ),
    )
    yield "views that a prediction is the mean over", ", ".join(card["decision"]["views"])

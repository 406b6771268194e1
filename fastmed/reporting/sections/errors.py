"""Errors: what is confused with what, and the images that the network got most wrong."""

from collections.abc import Iterator

from fastmed.page.document import Gallery, Picture, Section, Sheet
from fastmed.reporting.drawing import sheet
from fastmed.reporting.mistakes import Mistake, confused, pictures, worst
from fastmed.reporting.story import Story
from fastmed.reporting.words import percent

_MOST_PAIRS = 10


def errors(story: Story) -> Section | None:
    """Return confused pairs and the largest losses, with pictures where the images are there."""
    if not story.scores:
        return None
    found = worst(story)
    shown = pictures(story, [one.item for one in found]) if found else {}
    seen = [_picture(one, shown[one.item]) for one in found if one.item in shown]
    galleries = [Gallery("Largest losses", seen)] if seen else []
    told = list(_sentences(story, found, shown))
    return Section("errors", "Errors", told, galleries, tables=list(_tables(story, found)))


def _sentences(story: Story, found: list[Mistake], shown: dict[str, str]) -> Iterator[str]:
    wrong = sum(number for *_, number, _ in confused(story))
    n = story.scores["n"]
    yield f"{wrong} of {n} images ({percent(wrong / max(n, 1))}) are classified wrong."
    if not found:
        yield "The table of predictions is gone, so single images can't be told."
        return
    table = story.predictions
    if table is not None and "unlike" in table and (strange := int((table["unlike"] != "").sum())):
        yield f"{strange} images are unlike those that the network was trained on."
    yield (
        f"Images are told by their row of {story.table_name}; row 1 is the first below its header. "
        "A large loss is a confident mistake, or a wrong label: look at the image and decide."
    )
    if not shown:
        yield "The images are no more where the run found them, so only tables are shown."
    elif len(shown) < len(found):
        yield f"{len(found) - len(shown)} of these images can't be found any more."


def _picture(one: Mistake, data: str) -> Picture:
    said = f"predicted {one.predicted} ({one.score:.2f}), loss {one.loss:.2f}"
    told = f"row {one.row}: true {one.target}, {said}"
    return Picture(data, f"Image of row {one.row}, of class {one.target}", caption=told)


def _tables(story: Story, found: list[Mistake]) -> Iterator[Sheet]:
    pairs = confused(story)
    if pairs:
        rows = [
            [f"{true} as {other}", number, percent(number / of)]
            for true, other, number, of in pairs[:_MOST_PAIRS]
        ]
        yield sheet(
            "confused", ["confused", "images", "of the true class"], rows, "Most confused pairs"
        )
    if found:
        rows = [
            [one.row, one.target, one.predicted, f"{one.score:.2f}", f"{one.loss:.2f}"]
            for one in found
        ]
        columns = ["row", "true class", "predicted", "its score", "loss"]
        own = sheet("worst", columns, rows, "Largest losses", words=(1, 2))
        yield own._replace(folded=True, summary="Largest losses as a table")

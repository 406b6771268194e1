"""Errors: what is confused with what, the images that the network got most wrong, and where."""

from collections.abc import Iterator

from fastmed.page.document import Chart, Gallery, Picture, Section, Sheet
from fastmed.reporting.drawing import chart_of, sheet
from fastmed.reporting.mistakes import Mistake, examples, pictures, worst
from fastmed.reporting.story import Story
from fastmed.reporting.words import count, percent
from fastmed.results.scores.confusion import confused_pairs

_SHOWN_PAIRS, _EXAMPLES = 4, 6


def errors(story: Story) -> Section | None:
    """Return confused pairs and the largest losses, with pictures where the images are there."""
    if not story.scores:
        return None
    pairs = confused_pairs(story.scores)
    found, shown_pairs = worst(story), pairs[:_SHOWN_PAIRS]
    of_pairs = examples(story, shown_pairs, _EXAMPLES)
    wanted = dict.fromkeys(one.item for row in [found, *of_pairs] for one in row)
    shown = pictures(story, [*wanted]) if wanted else {}
    galleries = [_gallery("Largest losses", "", found, shown)]
    for pair, row in zip(shown_pairs, of_pairs, strict=True):
        name = f"'{pair.true}' taken for '{pair.predicted}'"
        note = f"{count(pair.images, 'image')}, {percent(pair.share)} of the class"
        galleries.append(_gallery(name, note, row, shown))
    return Section(
        "errors", "Errors", list(_sentences(story, found, shown)),
        [one for one in galleries if one.pictures],
        tables=list(_tables(found)), charts=list(_charts(story)),
    )  # fmt: skip


def _sentences(story: Story, found: list[Mistake], shown: dict[str, str]) -> Iterator[str]:
    wrong = sum(pair.images for pair in confused_pairs(story.scores))
    n = story.scores["n"]
    yield f"{wrong} of {n} images ({percent(wrong / max(n, 1))}) are classified wrong."
    if not found:
        yield "The table of predictions is gone, so single images can't be told."
        return
    table = story.predictions
    if table is not None and "unlike" in table and (strange := int((table["unlike"] != "").sum())):
        are = "image is" if strange == 1 else "images are"
        yield f"{strange} {are} unlike those that the network was trained on."
    yield (
        f"Images are told by their row of {story.table_name}; row 1 is the first below its header. "
        "A large loss is a confident mistake, or a wrong label: look at the image and decide."
    )
    gone = sum(one.item not in shown for one in found)
    if not shown:
        yield "The images are no more where the run found them, so only tables are shown."
    elif gone:
        yield f"{gone} of the images with the largest losses can't be found any more."


def _gallery(name: str, note: str, found: list[Mistake], shown: dict[str, str]) -> Gallery:
    seen = [_picture(one, shown[one.item]) for one in found if one.item in shown]
    return Gallery(name, seen, note)


def _picture(one: Mistake, data: str) -> Picture:
    said = f"predicted {one.predicted} ({one.score:.2f}), loss {one.loss:.2f}"
    told = f"row {one.row}: true {one.target}, {said}"
    return Picture(data, f"Image of row {one.row}, of class {one.target}", caption=told)


def _tables(found: list[Mistake]) -> Iterator[Sheet]:
    if found:
        rows = [
            [one.row, one.target, one.predicted, f"{one.score:.2f}", f"{one.loss:.2f}"]
            for one in found
        ]
        columns = ["row", "true class", "predicted", "its score", "loss"]
        own = sheet("worst", columns, rows, "Largest losses", words=(1, 2))
        yield own._replace(folded=True, summary="Largest losses as a table")


def _charts(story: Story) -> Iterator[Chart]:
    if story.embedding is not None:
        yield chart_of(
            story.embedding.figure(),
            f"Map of {len(story.embedding.table)} images by the features of the network.",
            text="Images as the network sees them: those that lie close are alike to it. Crosses "
            "among the dots of another class are images that look like that class to it; a group "
            "of crosses may share something that is worth finding.",
        )  # fmt: skip

"""Heat maps: what the network used, where they were drawn."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastmed.page.document import Gallery, Picture, Section, Sheet
from fastmed.reporting.drawing import sheet
from fastmed.reporting.heatmaps import MOST, HeatMap, shown
from fastmed.reporting.story import Story
from fastmed.reporting.words import count, percent
from fastmed.results.figures.heatmaps import METHOD_LABELS, OUTLINED


def heatmaps(story: Story) -> Section | None:
    """Return the heat maps that the run keeps of the part; a sentence where there are none."""
    if not story.scores:
        return None
    drawn = story.heatmaps
    if not drawn.maps:
        return Section("heatmaps", "Heat maps", [_none(story)])
    text = (
        "A heat map shows what the network used, not where disease is. One that looks right is no "
        "proof that the decision is right for the right reason."
    )
    more = len(drawn.maps) - MOST
    also = [f"{more} more are in the run's folder."] if more > 0 else []
    return Section(
        "heatmaps", "Heat maps", [text, *also], list(_galleries(story, drawn.maps[:MOST])),
        tables=list(_checks(drawn.checks)),
    )  # fmt: skip


def _none(story: Story) -> str:
    """Return why there are no heat maps to show."""
    if story.subject.kind != "run":
        return "Heat maps are of one run: see the reports of the runs."
    if story.heatmaps.named:
        return (
            f"The run has {count(story.heatmaps.named, 'heat map')} that an earlier version drew, "
            "with names of images, which a report doesn't tell; fastmed report RUN --heatmaps 12 "
            "draws them without."
        )
    return "No heat maps of this part were drawn; fastmed report RUN --heatmaps 12 draws them."


def _galleries(story: Story, maps: list[HeatMap]) -> Iterator[Gallery]:
    """Yield the maps of each method, in the order in which they were drawn."""
    methods: dict[str, list[HeatMap]] = {}
    for one in maps:
        methods.setdefault(one.method, []).append(one)
    for method, own in methods.items():
        drawn = [(one, data) for one in own if (data := shown(one)) is not None]
        if drawn:
            pictures = [_picture(story, one, data) for one, data in drawn]
            note = f"the line encloses heat from {OUTLINED:.0%} of the hottest place on"
            yield Gallery(METHOD_LABELS.get(method, method), pictures, note, wide=True)


def _picture(story: Story, one: HeatMap, data: str) -> Picture:
    row = story.row_of(one.item)
    place = f"row {row}" if row is not None else "an image that is not in the table"
    said = f"true {one.target or 'not known'}, predicted {one.predicted}"
    told = f"{place} ({one.reason}): {said}; map of {one.explained}"
    return Picture(data, f"Heat map of {place}, for {one.explained}", caption=told)


def _checks(checks: Mapping[str, Any]) -> Iterator[Sheet]:
    rows = []
    for method, found in checks.items():
        label = METHOD_LABELS.get(method, method)
        if isinstance(own := found.get("sanity"), dict):
            rows.append([label, "change as the network's weights are lost", own.get("verdict")])
        if isinstance(own := found.get("faithfulness"), dict):
            for name in ("deletion", "insertion"):
                one = own.get(name) or {}
                better = f"{one.get('better_than_chance')} of {own.get('n')} images"
                rows.append([label, name, f"better than chance on {better}"])
        if isinstance(own := found.get("pointing"), dict):
            share = percent(own.get("share"), own.get("interval"))
            told = f"{own.get('hits')} of {own.get('n')}: {share}"
            rows.append([label, "hottest place lies in a reader's box", told])
    if rows:
        yield sheet(
            "checks", ["method", "check", "outcome"], rows, "What the maps are worth", (1, 2)
        )

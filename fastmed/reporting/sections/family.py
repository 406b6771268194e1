"""The runs of a family: each one, and how far their scores spread."""

from fastmed.page.document import Section
from fastmed.reporting.drawing import folded, sheet
from fastmed.reporting.story import Story
from fastmed.reporting.words import plain_number
from fastmed.results.scores.names import HEADLINES, LABELS


def family(story: Story) -> Section | None:
    """Return members and spread of a family; None for a run."""
    found = story.card["family"]
    if found is None:
        return None
    text = (
        f"{found['finished']} of {found['planned']} runs are finished ({found['kind']}). The "
        "spread over runs says how much of a score is chance of training and of parting."
    )
    columns = ["network", "part", "score", "runs", "mean", "SD", "least", "greatest", "pooled"]
    rows = [
        [one["network"] or "-", one["part"], LABELS.get(one["score"], one["score"]), one["runs"],
         *(plain_number(one[name]) for name in ("mean", "sd", "least", "greatest", "pooled"))]
        for one in found["summary"]
    ]  # fmt: skip
    main = [
        row for row, one in zip(rows, found["summary"], strict=True) if one["score"] in HEADLINES
    ]
    tables = [sheet("spread", columns, main, "Spread of the scores", words=(1, 2))] if main else []
    if rows:
        every = folded("spread_all", columns, rows, "Spread of all scores")
        tables.append(every._replace(numeric=(3, 4, 5, 6, 7, 8)))
    members = [
        [number, "-" if one["fold"] is None else one["fold"], one["network"], one["seed"],
         one["status"], one["best_epoch"], plain_number(one["best_value"])]
        for number, one in enumerate(found["members"], 1)
    ]  # fmt: skip
    names = ["run", "fold", "network", "seed", "status", "epoch kept", "its metric"]
    return Section("runs", "Runs", [text],
                   tables=[*tables, sheet("members", names, members, words=(2, 4))])  # fmt: skip

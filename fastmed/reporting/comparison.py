"""The report of a comparison: differences between runs on the same images, with intervals."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fastmed.documents.blanks import NOTICE
from fastmed.documents.model_card import card
from fastmed.page.document import Notice, Section
from fastmed.reporting.drawing import chart_of, picture_of, sheet
from fastmed.reporting.machine import head
from fastmed.reporting.page import html
from fastmed.reporting.words import count, listed_words, plain_number
from fastmed.results.comparison.comparing import (
    Comparison,
    Difference,
    compare,
    less_is_better,
    told,
)
from fastmed.results.comparison.sides import open_sides, samples_of
from fastmed.results.figures.score_curves import LINES, compared_roc_figure
from fastmed.results.scores.names import LABELS
from fastmed.results.scores.tables import interval_text
from fastmed.results.words import chance_text, signed_text

Card = dict[str, Any]
_WARNING = (
    "The differences are of the validation part, which chose the epochs of these runs: they are "
    "optimistic, and no evidence."
)


def page_and_json(runs: Sequence[str | Path], split: str | None) -> tuple[str, dict[str, Any]]:
    """Return the page of a comparison, and its file for machines.

    Args:
        runs: folders of runs or families; the first is the one that others are compared with.
        split: the part or set that all have predicted; None takes the test part, or held-out folds.

    Raises:
        RunError: one has no such predictions. DataError: they were scored on other images.
    """
    compared = compare(runs, split=split)
    found = _short(compared)
    cards = dict(zip(found.names, (card(run) for run in runs), strict=True))
    curves = _curves(runs, compared.part, found.names)
    sections = [_verdict(found), _differences(found), curves, _runs(cards), _limits(cards)]
    notices = [Notice("note", NOTICE, "use", "verdict")]
    if found.part == "valid":
        notices.insert(0, Notice("error", _WARNING, "optimistic", "verdict"))
    first = cards[found.names[0]]
    page = html(
        "Comparison",
        first["task"]["title"],
        f"Runs {listed_words(found.names)} on the same images ({found.part}).",
        sections,
        facts=[("runs", str(len(found.names))), ("images", f"{found.images:,}"),
               ("patients", f"{found.patients:,}")],
        notices=notices,
    )  # fmt: skip
    machine = {
        **head("comparison", " against ".join(found.names)),
        "notice": NOTICE,
        "part": found.part,
        "optimistic": found.part == "valid",
        "verdict": list(sentences(found)),
        "sections": [section.name for section in sections],
        "comparison": found.as_info(),
        "cards": cards,
    }
    return page, machine


def _short(found: Comparison) -> Comparison:
    """Return a comparison whose runs are named by the last steps of their folders alone."""
    paths = {name: Path(name).parts for name in found.names}
    steps = next(
        (n for n in (1, 2, 3) if len({one[-n:] for one in paths.values()}) == len(paths)), 3
    )
    names = {name: "/".join(parts[-steps:]) for name, parts in paths.items()}
    if len(set(names.values())) < len(names):
        names = {name: f"run {number}" for number, name in enumerate(names, 1)}
    differences = [
        Difference(**{**vars(one), "run": names[one.run], "against": names[one.against]})
        for one in found.differences
    ]
    part = found.part if found.part in {"test", "valid", "out-of-fold"} else "another set"
    return Comparison(part, tuple(names.values()), found.images, found.patients, tuple(differences))


def sentences(found: Comparison) -> Iterator[str]:
    """Yield what a comparison says, in plain words."""
    for run, against in found.pairs:
        yield f"{run} is {_said(found.of(run, against))}, compared with {against}."
    yield (
        f"On {count(found.images, 'image')} of {count(found.patients, 'patient')}, the same for "
        "all runs. A difference whose interval leaves out 0 is unlikely to be chance alone; of "
        "many differences some are."
    )


def _said(own: Sequence[Difference]) -> str:
    better = [told(one.address) for one in own if _sign(one) > 0]
    worse = [told(one.address) for one in own if _sign(one) < 0]
    if not better and not worse:
        return "not clearly better or worse (each interval of the main scores holds 0)"
    said = [f"better by {listed_words(better)}"] if better else []
    said += [f"worse by {listed_words(worse)}"] if worse else []
    alone = [*better, *worse] == [LABELS["macro_f1"]]
    return " and ".join(said) + " alone, which is no ground to prefer one" * alone


def _sign(one: Difference) -> int:
    """Return 1 if the run is clearly better, -1 if it is clearly worse, or else 0."""
    low, high = one.interval or (None, None)
    if low is None or high is None or low <= 0 <= high:
        return 0
    better = (low > 0) != less_is_better(one.address)
    return 1 if better else -1


def _verdict(found: Comparison) -> Section:
    return Section("verdict", "Verdict", list(sentences(found)))


def _differences(found: Comparison) -> Section:
    against = {other for _, other in found.pairs}
    adjusted = any(one.p_holm is not None for one in found.differences)
    columns = ["score", "run", *(["against"] if len(against) > 1 else []), "its value"]
    columns += ["the other's", "difference", "95% interval", "p"]
    columns += ["p by Holm"] if adjusted else []
    rows = [
        [f"{told(one.address)}{' (less is better)' * less_is_better(one.address)}", run,
         *([other] if len(against) > 1 else []), plain_number(one.value), plain_number(one.other),
         signed_text(one.difference), interval_text(one.interval), chance_text(one.p),
         *([chance_text(one.p_holm)] if adjusted else [])]
        for run, other in found.pairs for one in found.of(run, other)
    ]  # fmt: skip
    beside = f", compared with {next(iter(against))}" if len(against) == 1 else ""
    table = sheet("differences", columns, rows, f"Main scores{beside}", words=(1,))
    picture = picture_of(found.figure(), "Differences of the main scores with 95% intervals.")
    text = "Intervals come from the same patients, resampled, for both runs."
    return Section("differences", "Differences", [text], figure=picture, tables=[table])


def _curves(runs: Sequence[str | Path], part: str, names: Sequence[str]) -> Section:
    """Return the ROC curves of the first runs, in one figure."""
    samples = samples_of(open_sides(runs), part)
    shown = dict(zip(names[: len(LINES)], samples, strict=False))
    more = f" The first {len(shown)} runs are shown." if len(names) > len(shown) else ""
    text = (
        "Where one curve lies above another, its run finds as many cases with fewer false alarms. "
        f"Whether that is more than chance, say the intervals above, not this figure.{more}"
    )
    alt = f"ROC curves of {listed_words([*shown])} on the same images."
    return Section("curves", "Curves", [text], charts=[chart_of(compared_roc_figure(shown), alt)])


def _runs(cards: dict[str, Card]) -> Section:
    rows = [
        [name, one["kind"], one["network"]["name"], one["network"]["start"],
         one["training"]["status"], one["training"]["epochs"]["chosen"],
         one["training"]["seeds"]["training"]]
        for name, one in cards.items()
    ]  # fmt: skip
    columns = ["run", "kind", "network", "from", "status", "epoch kept", "seed"]
    roots = {one["data"]["root_hash"] for one in cards.values()}
    same = (
        "the same data and parts"
        if len(roots) == 1 and None not in roots
        else ("data or parts that differ, or are not known to be the same")
    )
    table = sheet("runs", columns, rows, words=(1, 2, 3, 4))
    return Section("runs", "Runs", [f"The runs were trained on {same}."], tables=[table])


def _limits(cards: dict[str, Card]) -> Section:
    told_of: dict[tuple[str, str], list[str]] = {}
    for name, one in cards.items():
        for limit in one["limits"]:
            told_of.setdefault((limit["id"], limit["sentence"]), []).append(name)
    rows = [
        [limit, sentence, "all" if len(names) == len(cards) else ", ".join(names)]
        for (limit, sentence), names in told_of.items()
    ]
    table = sheet("limits", ["limit", "what it means", "runs"], rows, words=(1, 2))
    return Section("limits", "Limits", tables=[table])

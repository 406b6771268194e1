"""The model card: ``MODEL_CARD.md``, by the headings that are usual for it.

Mitchell M, Wu S, Zaldivar A, et al. Model Cards for Model Reporting. FAT* 2019:220-229.
"""

import re
from collections.abc import Iterator, Sequence

from fastmed.console import visible
from fastmed.reporting.sections.verdict import sentences
from fastmed.reporting.story import Story
from fastmed.reporting.words import PLAIN, amount, plain_number, told
from fastmed.results.scores.names import LABELS

_SPECIAL = re.compile(r"([\\`*_\[\]|~$#])")
_INTENDED = ("intended_use", "intended_users", "user_expertise", "out_of_scope", "poor_input")
_FACTORS = ("setting", "acquisition", "characteristics", "representativeness", "subgroups")
_DATA = ("data_sources", "collection_dates", "eligibility", "reference_standard", "annotators")
_ETHICS = (
    "ethics",
    "ethical_considerations",
    "fairness",
    "health_inequalities",
    "deidentification",
)
_LIMITS = ("limitations", "next_steps", "contact")


def markdown_of(story: Story) -> str:
    """Return the model card as Markdown; what its makers have not told is marked as open."""
    lines = [f"# Model card: {plain(story.card['task']['title'])}", ""]
    for title, section in (
        ("Model details", _details), ("Intended use", _intended), ("Factors", _factors),
        ("Metrics", _metrics), ("Evaluation data", _evaluation), ("Training data", _training),
        ("Quantitative analyses", _numbers), ("Ethical considerations", _ethics),
        ("Caveats and recommendations", _caveats),
    ):  # fmt: skip
        lines += [f"## {title}", "", *section(story), ""]
    return "\n".join(lines).rstrip() + "\n"


def plain(text: object) -> str:
    """Return text that Markdown shows as it stands: no link, no HTML, no emphasis, one line."""
    escaped = _SPECIAL.sub(r"\\\1", visible(str(text)))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _details(story: Story) -> Iterator[str]:
    card = story.card
    network, training = card["network"], card["training"]
    yield f"- Name: {plain(card['name'])} ({card['kind']}), task {plain(card['task']['name'])}"
    yield f"- Network: {plain(network['name'])}, from {plain(network['start'])}"
    yield f"- Input: {plain(', '.join(network['inputs']))}"
    yield f"- Output: {plain(network['output_meaning'])}"
    yield f"- Classes: {plain(', '.join(card['task']['classes']))}"
    yield f"- Trained: {plain(training['created'])}, {plain(training['status'])}"
    if network["weights_sha256"]:
        yield f"- SHA-256 of the weights: `{network['weights_sha256']}`"
    yield f"- Made with: fastmed {plain(card['software'].get('fastmed', '?'))}"
    yield from _said(story, ["model_rationale", "code_availability", "funding"])


def _intended(story: Story) -> Iterator[str]:
    yield f"**{plain(story.card['notice'])}**"
    yield ""
    yield from _said(story, _INTENDED)


def _factors(story: Story) -> Iterator[str]:
    names = [*story.card["data"]["metadata"]]
    yield f"- Metadata that is known: {plain(', '.join(names)) or 'none'}"
    groups = (story.scores.get("subgroups") or {}) if story.scores else {}
    yield f"- Subgroups that were looked at: {plain(', '.join(groups)) or 'none'}"
    yield from _said(story, _FACTORS)


def _metrics(story: Story) -> Iterator[str]:
    for name in story.headlines:
        yield f"- {LABELS[name]}: {plain(PLAIN.get(name, ''))}"
    yield f"- Decision: {plain(story.card['decision']['rule'])}"
    level = (story.scores.get("intervals") or {}).get("level")
    told_as = f"{level:.0%}, of resampled patients where they are known" if level else "none"
    yield f"- Intervals: {told_as}"


def _evaluation(story: Story) -> Iterator[str]:
    for name, one in story.card["results"]["sets"].items():
        found = {"images": one["n"], "patients": one["patients"]}
        yield f"- {plain(name)}: {amount(found)}; {plain(one['role'])}"
    yield f"- Parts: {plain(story.card['data']['split']['sentence'])}"


def _training(story: Story) -> Iterator[str]:
    flow = story.card["data"]["flow"]
    yield f"- Found {amount(flow['found'])}, left out {amount(flow['left_out'])}"
    for name, one in flow["parts"].items():
        yield f"- {plain(name)}: {amount(one)}"
    yield from _said(story, _DATA)


def _numbers(story: Story) -> Iterator[str]:
    yield from (f"- {plain(text)}" for text in sentences(story))
    if not story.scores:
        return
    yield ""
    yield from _table(
        ["score", f"value, {story.label}"],
        [
            [LABELS.get(name, name), told(name, *story.score(name))]
            for name in story.scores["overall"]
        ],
    )
    yield ""
    rates = ("sensitivity", "specificity", "ppv", "npv", "auroc")
    rows = [
        [of, one["n"], *(plain_number(*story.class_score(of, rate)) for rate in rates)]
        for of, one in story.scores["per_class"].items()
    ]
    yield from _table(["class", "images", *(LABELS[rate] for rate in rates)], rows)


def _ethics(story: Story) -> Iterator[str]:
    yield from _said(story, _ETHICS)


def _caveats(story: Story) -> Iterator[str]:
    yield from (f"- {plain(one['sentence'])}" for one in story.card["limits"])
    yield from _said(story, _LIMITS)


def _said(story: Story, keys: Sequence[str]) -> Iterator[str]:
    """Yield what the makers say, or that they have not said it."""
    for key in keys:
        blank = story.card["blanks"][key]
        answer = blank["answer"]
        yield f"- {plain(key.replace('_', ' ').capitalize())}: " + (
            plain(answer) if answer else f"*not told yet ({plain(blank['asks'])})*"
        )


def _table(columns: Sequence[object], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    for place, row in enumerate([columns, *rows]):
        yield "| " + " | ".join(plain(cell) for cell in row) + " |"
        if place == 0:
            yield "|" + "---|" * len(columns)

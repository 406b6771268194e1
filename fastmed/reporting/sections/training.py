"""The training: the network, how it was trained, and which epoch was kept."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from fastmed.page.document import Chart, Section, Sheet
from fastmed.reporting.drawing import chart_of, folded
from fastmed.reporting.story import Story
from fastmed.reporting.words import count, plain_number
from fastmed.results.figures.curves import history_figure
from fastmed.results.scores.names import LABELS


def training(story: Story) -> Section:
    """Return network and training in words, the curves, and all settings behind a fold."""
    return Section(
        "training", "Training", list(_sentences(story)), tables=[_settings(story)],
        charts=list(_curves(story)),
    )  # fmt: skip


def _sentences(story: Story) -> Iterator[str]:
    network, told = story.card["network"], story.card["training"]
    size = f" with {count(network['parameters'], 'parameter')}" if network["parameters"] else ""
    yield f"Network: {network['name']}{size}, from {network['start']}."
    epochs, chosen = told["epochs"], told["selection"]
    kept = ""
    if epochs["chosen"]:
        metric = LABELS.get(chosen["metric"], chosen["metric"])
        value = f" ({plain_number(chosen['value'])})" if chosen["value"] is not None else ""
        kept = f" Epoch {epochs['chosen']} was kept, by the {metric}{value} of the validation part."
    done = f"{epochs['done']} of {epochs['planned']}" if epochs["done"] else str(epochs["planned"])
    yield f"Training: {told['status']}, {done} epochs, loss {told['loss']}.{kept}"
    machine = told["machine"]
    if machine["seconds"]:
        yield f"It took {machine['seconds']:,.0f} s on {machine['device']}."


def _curves(story: Story) -> Iterator[Chart]:
    history = story.history
    if history is None or history.empty:
        return
    best = story.card["training"]["epochs"]["chosen"]
    figure = history_figure(history, best)
    alt = f"Curves of losses and metrics over {count(len(history), 'epoch')}; the table has them."
    rows = [[_cell(value) for value in row] for row in history.to_numpy(dtype=object)]
    columns = [str(name).replace("_", " ") for name in history.columns]
    yield chart_of(figure, alt, sheet=folded("history", columns, rows))


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "-" if pd.isna(value) else f"{value:.4g}"
    return str(value)


def _settings(story: Story) -> Sheet:
    every = {
        "training": story.card["training"]["settings"],
        "image": story.card["preparation"]["settings"],
        "augmentation": story.card["preparation"]["augmentation"] or {},
        "head": story.card["network"]["head"] or {},
        "balance": story.card["data"]["balance"]["settings"],
        "seed": story.card["training"]["seeds"],
    }
    rows = [
        [name, _told(value)]
        for group, found in every.items()
        for name, value in _flat(group, found)
    ]
    return folded("settings", ["setting", "value"], rows, "All settings")._replace(numeric=())


def _flat(above: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(f"{above}.{name}", value)
        elif value is not None:
            yield f"{above}.{name}", value


def _told(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_told(one) for one in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_told(one)}" for name, one in value.items() if one is not None)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)

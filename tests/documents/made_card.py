"""Changes of a run's folder that its card must follow."""

from collections.abc import Callable

import pandas as pd

from fastmed.data.tables import write_table
from fastmed.files import read_json, write_json
from fastmed.run import Run

LISTS = ("claim", "tripod-ai", "stard-ai")


def change_items(run: Run, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    write_table(change(run.items), run.path / "items.csv")


def add_set(run: Run, name: str, **more: object) -> None:
    """Keep the scores of the validation part under another name, too."""
    file = run.path / "scores.json"
    scores = read_json(file)
    write_json(file, {**scores, name: {**scores["valid"], **more}})

"""The command ``fastmed card``."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from fastmed.cli.options import RunFolder, RunsFolder


def card(
    run: RunFolder = None,
    checklist: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="NAME", help="Show the items of claim, tripod-ai or stard-ai."),
    ] = None,
    answers: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="What only you know; card.toml of the run if left out."),
    ] = None,
    json: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--json", metavar="FILE", help="Write the card and the checklists as JSON."),
    ] = None,
    runs: RunsFolder = Path("runs"),
) -> None:
    """Show what a run, or a family of runs, knows of itself, its limits, and what is left to write.

    Example: fastmed card runs/lungs/first --checklist claim --json card.json
    """
    from fastmed.cli.card_tables import print_card, print_checklist
    from fastmed.console import note
    from fastmed.documents.filling import documents_of
    from fastmed.files import write_json
    from fastmed.run import Run

    found = documents_of(run or Run.newest(runs), checklist, answers)
    if checklist is None:
        print_card(found["card"], found["checklists"])
    else:
        print_checklist(found["checklists"][checklist])
    if json is not None:
        write_json(json, found)
        note(f"JSON {json}")

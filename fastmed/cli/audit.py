"""The command ``fastmed audit``."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from fastmed.cli.options import (
    Accept,
    DataFolder,
    NoCache,
    Pseudonymise,
    Settings,
    TaskName,
    TasksFile,
    accepted,
    changed_task,
)


def audit(
    task: TaskName,
    data: DataFolder = None,
    tasks_file: TasksFile = None,
    json: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="Write all that was found as JSON."),
    ] = None,
    html: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="Write a page with example images."),
    ] = None,
    accept: Accept = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Count warnings as errors in the exit code.")
    ] = False,
    settings: Settings = None,
    no_cache: NoCache = False,
    pseudonymise: Pseudonymise = False,
) -> None:
    """Look for leaks, shortcuts and defects in a data set, before anything is learnt.

    Ends with 0 if it is clean, 3 with warnings, 4 with errors; what is accepted doesn't count.

    Example: fastmed audit lungs --data data/lungs --html audit.html
    """
    named = {"audit.strict": strict or None, "pseudonymise": pseudonymise or None}
    chosen = changed_task(task, tasks_file, {**named, **accepted(accept)}, settings or [])

    from fastmed.auditing.story import audit as audit_data
    from fastmed.cli.audit_table import print_audit
    from fastmed.console import note

    found = audit_data(chosen, data or Path("data") / task, cache=not no_cache)
    print_audit(found)
    if json:
        note(f"JSON {found.write_json(json)}")
    if html:
        note(f"Page {found.write_html(html)}")
    raise typer.Exit(found.exit_code)

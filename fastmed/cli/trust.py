"""The command ``fastmed trust``."""

from pathlib import Path
from typing import Annotated

import typer


def trust(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder with network.py.")],
) -> None:
    """Allow the Python code of a run from elsewhere; read it first.

    Example: fastmed trust runs/lungs/from-a-colleague
    """
    from fastmed.console import note
    from fastmed.trust import trust_run

    file = trust_run(run)
    note(f"{file} may run on this machine from now on, as long as it is not changed.")

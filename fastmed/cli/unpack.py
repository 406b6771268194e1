"""The command ``fastmed unpack``."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from fastmed.cli.options import RunsFolder


def unpack(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="From `fastmed pack`.")],
    runs: RunsFolder = Path("runs"),
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Of the folder; its own name if left out.")
    ] = "",
    data: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--data", metavar="DIR", help="Where the run's images are, if they are here."),
    ] = None,
    sha256: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="HEX", help="The checksum of the file that its sender told."),
    ] = None,
) -> None:
    """Open the pack of a run from elsewhere, into RUNS/TASK/NAME, once all checksums are right.

    Example: fastmed unpack model.zip --runs runs
    """
    from fastmed.console import note, warn
    from fastmed.sharing import unpack as unpack_run

    found = unpack_run(file, runs, name=name, data=data, sha256=sha256)
    count = len(found.manifest.files)
    note(f"{found.path}: a {found.manifest.kind}, {count} files, all checksums right")
    note(f"SHA-256 of {file.name}: {found.sha256}")
    for code in found.code:
        warn(f"{code} is Python code; read it before `fastmed trust {code.parent}` lets it run")

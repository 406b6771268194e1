"""The command ``fastmed pack``."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from fastmed.cli.options import split_names


def pack(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder or a family.")],
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="Where it goes.")],
    include: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="A,B,...", help="Take along, too: checkpoints, predictions, pictures."
        ),
    ] = None,
    identified: Annotated[
        bool,
        typer.Option(
            "--identified",
            help="Keep names of files and patients, and metadata of each image: for yourself.",
        ),
    ] = False,
    hub: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="LICENCE",
            help="Add the README.md that a model hub reads, as in --hub apache-2.0.",
        ),
    ] = None,
) -> None:
    """Pack a run, or a family of runs, into one zip file with checksums, to hand it on.

    Images of patients, names of files and paths of this machine stay behind.

    Example: fastmed pack runs/cardiomegaly/first model.zip
    """
    from fastmed.console import note
    from fastmed.sharing import pack as pack_run

    made = pack_run(run, file, include=split_names(include) or (), identified=identified, hub=hub)
    size = sum(entry.bytes for entry in made.manifest.files.values()) / 1e6
    note(f"{made.path}: a {made.manifest.kind}, {len(made.manifest.files)} files, {size:.1f} MB")
    rows = "names of files and patients, and metadata" if identified else "pseudonyms"
    note(f"Its tables have a row for each image, with {rows}, label and part.")
    note(f"SHA-256 {made.sha256}")

"""The command ``fastmed cache``."""

from typing import Annotated, Literal

import typer


def cache(
    action: Annotated[
        Literal["list", "clear"], typer.Argument(metavar="ACTION", help="list or clear.")
    ] = "list",
    older_than: Annotated[
        float, typer.Option(min=0, metavar="DAYS", help="Clear only what was not written since.")
    ] = 0,
    outdated: Annotated[
        bool, typer.Option("--outdated", help="Clear only what other decoders made.")
    ] = False,
) -> None:
    """List or clear the decoded images that are kept on disk, and what the audit measured on them.

    Each image is decoded once and kept as the network sees it. The folder is the user's cache
    folder, or that of the environment variable FASTMED_CACHE.

    Example: fastmed cache clear --older-than 30
    """
    from fastmed.console import note, print_table
    from fastmed.data.store.caches import clear_caches, list_caches
    from fastmed.state import cache_folder

    if action == "clear":
        gone = clear_caches(older_than, outdated)
        size = sum(state.bytes for state in gone) / 2**20
        note(f"{len(gone)} caches with {size:.1f} MB are removed from {cache_folder()}")
        return
    rows = [state.as_row() for state in list_caches()]
    if not rows:
        note(f"No decoded images are kept in {cache_folder()}.")
        return
    columns = ["cache", "images", "MB", "days old", "used", "settings"]
    print_table(f"Decoded images in {cache_folder()}", columns, rows)

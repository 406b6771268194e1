"""The command line: one file a command, each a thin shell over a plain function."""

import sys
import warnings

import typer

from fastmed.cli.commands import Commands
from fastmed.errors import FastmedError

app = typer.Typer(
    name="fastmed",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # its own help takes a third of the time without rich
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        from fastmed import __version__

        typer.echo(f"fastmed {__version__}")
        raise typer.Exit


@app.callback()
def start(
    context: typer.Context,
    verbose: bool = typer.Option(False, "-v", "--verbose", help="Say more."),
    quiet: bool = typer.Option(False, "-q", "--quiet", help="Say only warnings and results."),
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and stop."
    ),
) -> None:
    """Classifiers and graders of medical images that can be trusted.

    A data set is declared in tasks.toml and trained with one command.

    Start with: fastmed demo
    """
    from fastmed.cli.several import check_command
    from fastmed.console import listen

    check_command(context.invoked_subcommand)
    if not verbose:
        warnings.filterwarnings("ignore", module=r"(torch|fastai|timm|fasttransform)\b")
    listen(1 if verbose else -1 if quiet else 0)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a mistake of the user's is one sentence and exit code 1.

    Typer itself ends with code 2 after wrong usage, and with 130 when it is interrupted.
    """
    from fastmed.cli.several import one_voice

    try:
        with one_voice():
            app(arguments, prog_name="fastmed")
    except (FastmedError, OSError) as error:
        from fastmed.console import clear_sentence

        typer.echo(f"Error: {clear_sentence(error)}", err=True)
        sys.exit(1)

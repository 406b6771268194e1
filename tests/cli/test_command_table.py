"""The table of commands says what the commands say themselves, and loads none of them."""

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import fastmed.cli
from fastmed.cli.commands import COMMANDS, every_command


@pytest.mark.parametrize("info", every_command(), ids=lambda info: info.name)
def test_each_line_is_the_first_of_the_commands_help(info) -> None:
    first = inspect.getdoc(info.callback).partition("\n\n")[0].replace("\n", " ")
    assert COMMANDS[info.rich_help_panel][info.name] == first


def test_every_module_of_a_command_is_in_the_table() -> None:
    names = {info.callback.__name__ for info in every_command()}
    for path in Path(fastmed.cli.__file__).parent.glob("*.py"):
        if f"\ndef {path.stem}(" in path.read_text(encoding="utf-8"):
            assert path.stem in names


def test_help_shows_every_line_below_its_panel(command: Callable) -> None:
    text = " ".join(command("--help").out.split())
    for panel, lines in COMMANDS.items():
        shown = " ".join([f"{panel}:", *(f"{name} {line}" for name, line in lines.items())])
        assert shown in text


def loaded(*arguments: str) -> set[str]:
    """Return the modules that a new Python holds after a command."""
    program = (
        "import json, sys\nfrom fastmed.cli import main\n"
        f"try:\n    main({list(arguments)!r})\nexcept SystemExit:\n    pass\n"
        "print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_only_the_command_that_is_used_is_imported() -> None:
    modules = {f"fastmed.cli.{info.callback.__name__}" for info in every_command()}
    assert not loaded("--help") & {*modules, "rich", "pydantic", "fastmed.console"}
    assert loaded("trust", "--help") & modules == {"fastmed.cli.trust"}


def test_a_mistaken_command_is_told_its_neighbour(command: Callable) -> None:
    said = command("trian")
    assert said.code == 2
    assert "Did you mean 'train'?" in said.err

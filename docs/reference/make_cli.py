"""Writes the page of the command line, from the commands themselves, beside this file."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from typer.models import ArgumentInfo, CommandInfo, ParameterInfo

from fastmed.cli import app
from fastmed.cli.commands import every_command

PAGE = Path(__file__).with_name("cli.md")
START = """\
# Command line

<!-- Written by docs/reference/make_cli.py; change the help of the commands, not this page. -->

`fastmed --help` lists the commands, `fastmed COMMAND --help` explains one. Tables are written to
stdout, notes and warnings to stderr. The exit code is 0 when all is done, 1 after a clear error, 2
for wrong usage and 130 when interrupted. `fastmed audit` and `fastmed predict` have more, which
their pages name.
"""
COMMANDS = "| group | command | what it does |\n|---|---|---|\n"
ARGUMENTS = "| argument | meaning | default |\n|---|---|---|\n"
OPTIONS = "| option | meaning | default |\n|---|---|---|\n"


def page() -> str:
    """Return the whole page: the commands in a list, common options, one section a command."""
    commands = every_command()
    parts = [
        START,
        COMMANDS + "".join(_listed(command) for command in commands),
        "## fastmed\n",
        "`fastmed [OPTIONS] COMMAND`\n",
        OPTIONS + _rows(app.registered_callback.callback, False),
        *(section(command) for command in commands),
    ]
    return "\n".join(parts)


def name_of(command: CommandInfo) -> str:
    """Return the name that a user types."""
    return command.name or command.callback.__name__


def section(command: CommandInfo) -> str:
    """Return the section of one command: its help, usage, arguments, options and example."""
    name, function = name_of(command), command.callback
    text, _, example = inspect.getdoc(function).partition("Example: ")
    arguments, options = _rows(function, True), _rows(function, False)
    parts = [
        f"## fastmed {name}\n",
        f"{text.strip()}\n",
        f"`{_usage(name, function)}`\n",
        ARGUMENTS + arguments if arguments else "",
        OPTIONS + options,
        f"```bash\n{example.strip()}\n```\n",
    ]
    return "\n".join(part for part in parts if part)


def _listed(command: CommandInfo) -> str:
    name = name_of(command)
    link = f"[`fastmed {name}`](#fastmed-{name})"
    return f"| {command.rich_help_panel} | {link} | {_first_line(command)} |\n"


def _first_line(command: CommandInfo) -> str:
    return inspect.getdoc(command.callback).partition("\n\n")[0].replace("\n", " ")


def _usage(name: str, function: Callable[..., None]) -> str:
    words = [
        _shown(parameter, info) if parameter.default is parameter.empty else f"[{info.metavar}]"
        for parameter, info in _parameters(function)
        if isinstance(info, ArgumentInfo)
    ]
    return " ".join(["fastmed", name, *words, "[OPTIONS]"])


def _rows(function: Callable[..., None], arguments: bool) -> str:
    """Return the rows of a table of arguments, or of options."""
    return "".join(
        f"| `{_shown(parameter, info)}` | {_cell(info.help)} | {_default(parameter)} |\n"
        for parameter, info in _parameters(function)
        if isinstance(info, ArgumentInfo) == arguments
    )


def _parameters(
    function: Callable[..., None],
) -> Iterator[tuple[inspect.Parameter, ParameterInfo]]:
    """Yield each parameter with what Typer knows of it, be it annotation or default."""
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        annotated = getattr(parameter.annotation, "__metadata__", (parameter.default,))
        if isinstance(annotated[0], ParameterInfo):  # and not Typer's own context
            yield parameter, annotated[0]


def _shown(parameter: inspect.Parameter, info: ParameterInfo) -> str:
    """Return how it is typed: ``INPUT``, ``--skip-bad`` or ``--data DIR``."""
    if isinstance(info, ArgumentInfo):
        return info.metavar or parameter.name.upper()
    names = [info.default, *(info.param_decls or ())]
    named = [name for name in names if isinstance(name, str) and name.startswith("-")]
    option = ", ".join(named or [f"--{parameter.name.replace('_', '-')}"])
    value = _value(parameter, info)
    return f"{option} {value}" if value else option


def _value(parameter: inspect.Parameter, info: ParameterInfo) -> str:
    """Return what stands behind an option: nothing for a switch, the choices of a list."""
    kinds = list(_kinds(parameter.annotation))
    if bool in kinds:
        return ""
    choices = [choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    plain = "NUMBER" if {int, float} & set(kinds) else "TEXT"
    return info.metavar or "/".join(choices) or plain


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yield the types that an annotation is made of."""
    parts = () if get_origin(annotation) is Literal else get_args(annotation)
    if not parts:
        yield annotation
    for part in parts:
        yield from _kinds(part)


def _default(parameter: inspect.Parameter) -> str:
    value = parameter.default
    known = isinstance(value, str | int | float | Path) and not isinstance(value, bool)
    return f"`{value}`" if known and str(value) else ""


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

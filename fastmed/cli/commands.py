"""All commands by name; the one that is used is imported, and no other."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import CommandInfo

# Panel of the help -> command -> the first line of its own help.
COMMANDS = {
    "Start": {
        "demo": "Make phantom data, train on it from scratch, interpret and predict, in minutes.",
        "phantom": "Make a phantom data set: drawn pictures in the task's own layout.",
    },
    "Data": {
        "tasks": "List the tasks, or show one.",
        "fetch": "Fetch the data set of a task, from Kaggle or from archives, and check it.",
        "study": "Look at a data set: classes, samples as the network sees them, sizes, files, "
        "breakdowns.",
        "audit": "Look for leaks, shortcuts and defects in a data set, before anything is learnt.",
        "augmented": "Look at augmented training images: each plain, and in random augmentations.",
        "convert": "Write a data set as PNG or JPEG, with the pixels that the network sees, and "
        "CSV tables.",
        "cache": "List or clear the decoded images that are kept on disk, and what the audit "
        "measured on them.",
    },
    "Model": {
        "train": "Train a task on a data folder.",
        "resume": "Go on with a training that was interrupted, as if it had never stopped.",
        "tune": "Search the settings that do best on the validation part.",
        "adopt": "Make a run of weights that were trained elsewhere, so that every command works "
        "on them.",
        "lr-find": "Find a learning rate: raise it batch by batch and look at the loss.",
        "bench": "Measure how quickly a task is trained and predicted here, and what limits it.",
        "model": "Show a network: layers, shapes, parameters, multiply-adds, groups, pretrained "
        "weights.",
    },
    "Results": {
        "runs": "List the runs, the newest last, with the metric that chose their epoch.",
        "evaluate": "Score a run on its test part, or on another labelled set.",
        "interpret": "Show the confusion matrix, scores of each class, top losses and training "
        "curves.",
        "explain": "Predict one image and show on it what the network used.",
        "report": "Write the report of a run as one HTML page, with a model card and a file for "
        "machines.",
        "card": "Show what a run, or a family of runs, knows of itself, its limits, and what is "
        "left to write.",
        "compare": "Compare runs on the same images: differences with intervals, from paired "
        "patients.",
    },
    "Use": {
        "predict": "Predict the class or grade of images, labelled or not.",
        "ensemble": "Make one prediction of several: of runs, families, or any tool's files.",
        "export": "Write a run as one file that predicts without fastmed: pixels in, probabilities "
        "out.",
        "pack": "Pack a run, or a family of runs, into one zip file with checksums, to hand it on.",
        "unpack": "Open the pack of a run from elsewhere, into RUNS/TASK/NAME, once all checksums "
        "are right.",
        "trust": "Allow the Python code of a run from elsewhere; read it first.",
    },
}


class Commands(TyperGroup):
    """Commands of which each is only a name and a line of help, until it is used."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        every = [name for lines in COMMANDS.values() for name in lines]
        self.commands = {name: TyperCommand(name) for name in every}

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each panel with the lines of its commands."""
        for panel, lines in COMMANDS.items():
            with formatter.section(panel):
                formatter.write_dl([*lines.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the words ask for, as a whole, and the words after it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and whole(str(command.name)), rest


def function_of(name: str) -> Callable[..., Any]:
    """Return the function of a command, which has its module's name."""
    own = name.replace("-", "_")
    return getattr(import_module(f"fastmed.cli.{own}"), own)  # type: ignore[no-any-return]


def whole(name: str) -> Any:
    """Return a command with its arguments and options."""
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name)(function_of(name))
    return typer.main.get_command(alone)


def every_command() -> list[CommandInfo]:
    """Return all commands with their functions, for the documentation and its tests."""
    return [
        CommandInfo(name=name, callback=function_of(name), rich_help_panel=panel)
        for panel, lines in COMMANDS.items()
        for name in lines
    ]

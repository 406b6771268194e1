"""The command ``fastmed ensemble``."""

from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import typer

from fastmed.cli.options import (
    Competition,
    Device,
    NoCache,
    SkipBad,
    TasksFile,
    Views,
    Workers,
    split_names,
)


def ensemble(
    members: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN|FILE...",
            help="Runs, families (each is one member) and files of predictions, or one family for "
            "all of its runs.",
        ),
    ],
    method: Annotated[
        Optional[Literal["vote", "mean", "weighted", "stack"]],  # noqa: UP045
        typer.Option(help="How they become one, see above; mean if left out."),
    ] = None,
    source: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--input",
            metavar="INPUT",
            help="Images that runs predict now; else what they keep of the test part.",
        ),
    ] = None,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            metavar="FILE", help="Where the table goes, with scores beside; printed if left out."
        ),
    ] = None,
    competition: Competition = None,
    weights: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="A,B,...", help="For weighted: of the members, in their order."),
    ] = None,
    weight_by: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="SCORE",
            help="For weighted: the score of the validation parts that makes the weights; macro_f1 "
            "if left out, of grades kappa.",
        ),
    ] = None,
    average: Annotated[
        Optional[Literal["probabilities", "logits"]],  # noqa: UP045
        typer.Option(help="What means over members are of; probabilities if left out."),
    ] = None,
    cut_points: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="A,B,...", help="For means of grades: where the next one begins."),
    ] = None,
    uncalibrated: Annotated[
        bool,
        typer.Option(
            "--uncalibrated", help="Don't fit a mean on the members' common validation part."
        ),
    ] = False,
    fitted: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            metavar="FILE.ensemble.json", help="Be the ensemble that was fitted and written before."
        ),
    ] = None,
    missing: Annotated[
        Literal["refuse", "drop", "fewer"],
        typer.Option(help="Images that a member lacks: refuse or drop them, or let fewer decide."),
    ] = "refuse",
    split: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Which predictions of runs: test, or the name of an evaluated set."),
    ] = None,
    columns: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            metavar="ROLE=COLUMN,...",
            help="What is what in another tool's CSV, as item=name,predicted=label; "
            "FILE:item=name,... for one of several files. Repeatable.",
        ),
    ] = None,
    valid: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Option(
            metavar="FILE",
            help="Labelled predictions of a validation part, one for each member that is a file. "
            "Repeatable.",
        ),
    ] = None,
    labels: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="True labels, where the members know none."),
    ] = None,
    task: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="TASK", help="Whose classes are meant, where all members are files."),
    ] = None,
    tasks: TasksFile = None,
    drop_seen: Annotated[
        bool, typer.Option("--drop-seen", help="Leave out images that shaped a member.")
    ] = False,
    views: Views = None,
    device: Device = None,
    workers: Workers = None,
    skip_bad: SkipBad = False,
    no_cache: NoCache = False,
) -> None:
    """Make one prediction of several: of runs, families, or any tool's files.

    Where labels are known, prints the scores and the gain over each member.

    vote: the class that most predict. mean: of probabilities, of grades of values. weighted: the
    same by weights. stack: a logistic regression, fitted on validation parts alone.

    Example: fastmed ensemble runs/lungs/five --method vote --input new_images --out result.csv
    Example: fastmed ensemble first.csv other.csv --columns item=name,predicted=label --method vote
    """
    from fastmed.cli.ensembles import print_ensemble
    from fastmed.cli.tables import note_predictions, print_predictions
    from fastmed.console import note
    from fastmed.ensembles import Ensemble
    from fastmed.ensembles.output import check_ensemble_output, shown_table, write_ensemble

    check_ensemble_output(out)
    given: dict[str, Any] = {
        "views": split_names(views),
        "device": device,
        "workers": workers,
        "skip_bad": skip_bad or None,
        "cache": False if no_cache else None,
    }
    found = Ensemble.of(
        members,
        method=method,
        source=source,
        split=split,
        columns=columns or (),
        valid=valid or (),
        labels=labels,
        task=task,
        tasks=tasks,
        weights=numbers_of(weights, "--weights"),
        weight_by=weight_by,
        average=average,
        calibrate=not uncalibrated,
        cut_points=numbers_of(cut_points, "--cut-points"),
        fitted=fitted,
        missing=missing,
        drop_seen=drop_seen,
        **{name: value for name, value in given.items() if value is not None},
    )
    print_ensemble(found)
    if out is None:
        print_predictions(shown_table(found, competition))
        return
    scores = write_ensemble(found, out, competition)
    note_predictions(len(found.table), f"{len(found.members)} members", out)
    note(f"How they were made{', and scores' * (found.judged is not None)}: {scores}")


def numbers_of(text: str | None, option: str) -> list[float] | None:
    """Return the numbers of ``0.5,0.3``.

    Raises:
        TaskError: one is none.
    """
    from fastmed.errors import TaskError

    try:
        return None if text is None else [float(one) for one in text.split(",")]
    except ValueError:
        raise TaskError(f"{option} {text} are no numbers; expected as in 0.5,0.3,0.2") from None

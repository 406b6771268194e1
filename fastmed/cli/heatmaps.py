"""The heat maps of ``fastmed interpret``: its options, and what it prints of them."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from fastmed.cli.options import HEATMAP_METHODS
from fastmed.errors import TaskError

if TYPE_CHECKING:
    from fastmed.explaining import Atlas
    from fastmed.run import Run

Count = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--heatmaps", min=1, max=1000, metavar="N",
        help="Draw heat maps of N images: the largest losses and examples of each class.",
    ),
]  # fmt: skip
Method = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(metavar="METHOD", help=HEATMAP_METHODS),
]
Sanity = Annotated[
    bool,
    typer.Option("--sanity", help="Check that heat maps change as the network's weights are lost."),
]
Faithfulness = Annotated[
    bool,
    typer.Option("--faithfulness", help="Score heat maps by deletion and insertion of hot places."),
]
Pointing = Annotated[
    bool,
    typer.Option("--pointing", help="Count heat maps whose hottest place lies in a reader's box."),
]
Boxes = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(metavar="FILE.csv", help="The table of boxes for --pointing; else the task's."),
]


@dataclass(frozen=True)
class Wanted:
    """What is wanted of heat maps; see `fastmed.explaining.draw_heatmaps`."""

    count: int | None
    method: str | None
    sanity: bool
    faithfulness: bool
    pointing: bool
    boxes: Path | None

    def check(self) -> None:
        """Refuse options that would have no effect, before any work is done.

        Raises:
            TaskError: names the option.
        """
        from fastmed.settings.heatmaps import check_method_name

        if self.method is not None:
            check_method_name(self.method)
        for field in fields(self):
            if self.count is None and getattr(self, field.name):
                raise TaskError(f"--{field.name} has no effect without --heatmaps N")
        if self.boxes is not None and not self.pointing:
            raise TaskError("--boxes has no effect without --pointing")

    def check_boxes(self, run: "Run") -> None:
        """Refuse the pointing game where there are no boxes, before any work is done.

        Raises:
            DataError: says where boxes can be named.
        """
        from fastmed.data.boxes import boxes_file

        if self.pointing:
            boxes_file(run.task, run.data, self.boxes)


def draw(run: "Run", split: str, device: str | None, wanted: Wanted) -> None:
    """Draw the heat maps that are wanted, and print what the checks say."""
    from fastmed.console import note
    from fastmed.explaining import Checks, draw_heatmaps

    if wanted.count is None:
        return
    checks = Checks(wanted.sanity, wanted.faithfulness, wanted.pointing, wanted.boxes)
    method = wanted.method or "gradcam"
    found = draw_heatmaps(
        run, split=split, count=wanted.count, method=method, checks=checks, device=device
    )
    _print(found)
    note(f"{len(found.index)} heat maps ({method}) and their index are in {found.folder}")


def _print(found: "Atlas") -> None:
    """Print what the checks say, and warn of heat beside the images."""
    from fastmed.console import note, print_table, warn

    if "sanity" in found.checks:
        _print_sanity(found.checks["sanity"])
    if "faithfulness" in found.checks:
        own = found.checks["faithfulness"]
        title = f"Faithfulness: mean answer of the network while places go or come, n = {own['n']}"
        better = {"deletion": "lower", "insertion": "higher"}
        rows = [
            (f"{name} ({better[name]} is better)", own[name]["mean"], own[name]["by_chance"],
             own[name]["better_than_chance"])
            for name in better
        ]  # fmt: skip
        print_table(title, ["", "hottest first", "by chance", "images better"], rows)
    if "pointing" in found.checks:
        own = found.checks["pointing"]
        low, high = own["interval"]
        told = f"{own['hits']} of {own['n']} ({low:.1%} to {high:.1%})"
        pointers = [
            ("hottest place", own["share"], told),
            ("centre of the square", own["centre"], ""),
            ("a place by chance", own["by_chance"], ""),
        ]
        print_table("Pointing game: share that lies in a box", ["", "share", ""], pointers)
    beside = int((found.index["beside"] > 0.25).sum())
    if beside:
        warn(
            f"on {beside} of {len(found.index)} heat maps more than a quarter of the heat lies on "
            "the bars beside the image, where nothing is"
        )
    note("A heat map shows what the network used, not where disease is.")


def _print_sanity(own: dict[str, Any]) -> None:
    from fastmed.console import note, print_table

    rows = [
        (f"{step['lost']:.1%}", step["rank_correlation"], step["ssim"], f"{step['empty']:.0%}")
        for step in own["steps"]
    ]
    title = f"Sanity: maps of the network against maps of copies that lost weights, n = {own['n']}"
    print_table(title, ["weights lost", "rank correlation", "SSIM", "empty maps"], rows)
    note(f"The method {own['verdict']}.")

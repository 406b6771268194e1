"""The command ``fastmed explain``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from fastmed.cli.options import (
    HEATMAP_METHODS,
    Device,
    Epoch,
    NoCache,
    RunsFolder,
    open_run,
)

if TYPE_CHECKING:
    from fastmed.explaining import Explanation


def explain(
    image: Annotated[
        str,
        typer.Argument(
            metavar="IMAGE",
            help="A file, a row of arrays (arrays.npz/data/3), or an item of the run.",
        ),
    ],
    run: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="RUN", help="A run folder; the newest run if left out."),
    ] = None,
    method: Annotated[str, typer.Option(metavar="METHOD", help=HEATMAP_METHODS)] = "gradcam",
    of_class: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--class", metavar="NAME", help="The class to explain; else the predicted."),
    ] = None,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE.png", help="Where the figure goes; beside you if left out."),
    ] = None,
    epoch: Epoch = None,
    runs: RunsFolder = Path("runs"),
    device: Device = None,
    no_cache: NoCache = False,
) -> None:
    """Predict one image and show on it what the network used.

    Example: fastmed explain chest.png --run runs/lungs/first --out chest-explained.png
    """
    from fastmed.console import note
    from fastmed.explaining import explain as explain_image
    from fastmed.results.figures.style import check_figure_file, save

    opened = open_run(run, runs, epoch)
    stem = "image" if opened.task.pseudonymise else _stem(image)
    file = check_figure_file(out or Path(f"{stem}-{method}.png"))
    found = explain_image(
        opened, image, method=method, of_class=of_class, device=device, cache=not no_cache
    )
    _print(found, opened.title)
    save(found.figure(), file)
    note(f"Figure {file}")


def _stem(image: str) -> str:
    """Return how the figure's name begins: as the image's, or for a row as file and row."""
    from fastmed.data.pixels.safe_names import safe_name

    path = Path(image)
    parts = path.parts[-3:] if Path(*path.parts[:-2]).suffix.lower() == ".npz" else [path.stem]
    return safe_name("-".join(Path(part).stem for part in parts))


def _print(found: "Explanation", title: str) -> None:
    """Print the prediction, what was explained, and where the map is hottest."""
    from fastmed.cli.tables import print_predictions
    from fastmed.console import note

    print_predictions(found.prediction.to_frame().T.infer_objects())
    known = {"train": "trained", "valid": "chose the epoch of"}.get(found.prediction["split"])
    if known:
        note(f"The image {known} the run {title}: its score says little.")
    if found.hottest is None:
        note(f"Nothing in the image raises '{found.explained}' by this method.")
    else:
        row, column = found.hottest
        note(f"Hottest at row {row:.0f}, column {column:.0f} of the image ('{found.explained}').")
    if found.beside > 0.25:
        note(f"{found.beside:.0%} of the heat lies on the bars beside the image, where nothing is.")

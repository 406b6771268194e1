"""Exporting a run: one file that predicts without fastmed, checked before it is there."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from torch import nn

from fastmed.console import note
from fastmed.data.inputs import read_input
from fastmed.data.pseudonyms import located
from fastmed.data.tables import part
from fastmed.errors import DataError, TaskError, nearest
from fastmed.exporting import onnx_file, pt2_file
from fastmed.exporting.about import about, texts_of
from fastmed.exporting.extra import check_onnx
from fastmed.exporting.parity import (
    FEW,
    MANY,
    TOLERANCES,
    Check,
    Images,
    compare_with,
    images_of,
    refuse_if_apart,
    some,
)
from fastmed.exporting.run_file import Predict, inputs_of
from fastmed.exporting.traced import traced, write_onnx, write_pt2
from fastmed.exporting.whole import Half, Through, Whole, WithoutImages, trace_with
from fastmed.files import check_place, write_whole
from fastmed.learn.restore import statistics_of
from fastmed.prediction.networks import check_average, check_views, network_outputs, readable
from fastmed.prediction.tables import predictions_table
from fastmed.results.calibration.fitted import calibration_of
from fastmed.results.calibration.probabilities import Calibration
from fastmed.run import Run
from fastmed.settings.predict import Average

FORMATS = ("onnx", "pt2")
PRECISIONS = tuple(TOLERANCES)
MEASURED = 200  # training images that the ranges of int8 are measured on


@dataclass(frozen=True)
class Exported:
    """A file that was made.

    Attributes:
        path: of it.
        about: what it says of itself, as in its properties.
        check: how its predictions differ from the run's.
    """

    path: Path
    about: dict[str, Any]
    check: Check


def export(
    run: Run | str | Path,
    out: str | Path | None = None,
    *,
    form: str = "onnx",
    precision: str = "fp32",
    views: Sequence[str] | None = None,
    average: Average | None = None,
    calibrate: bool = True,
    prevalence: str | Mapping[str, float] | None = None,
    check: str | Path | None = None,
    ranges: str | Path | None = None,
    tolerance: float | None = None,
) -> Exported:
    """Write a run's network, with all that makes predictions of images, into one file.

    The file takes images of any size as uint8 and raw metadata, and gives probabilities and the
    decided class, of grades also the value. Its predictions are compared with the run's, and if
    they differ by more than the tolerance there is no file.

    Args:
        run: a run or its folder.
        out: the file; None takes ``model.onnx`` and the like in the run's folder.
        form: ``onnx`` or ``pt2``.
        precision: ``fp32``, ``fp16`` or ``int8`` (ONNX alone).
        views: fixed views that are averaged; None takes the task's.
        average: what is averaged over views, as of `predict`; None takes the task's.
        calibrate: False leaves the probabilities as the network gives them.
        prevalence: shares of the classes where the file is used.
        check: an input to compare on; None takes the run's own validation or test part.
        ranges: an input that int8 measures the ranges of layers on; None takes training images.
        tolerance: the largest difference of a probability, or of a value as a share of all grades.

    Raises:
        RunError: the run is missing or has no weights.
        ModelError: its network can't be exported, or predicts something else as a file.
        DataError: images can't be read. TaskError: an option is unknown, or has no effect.
        MissingExtraError: a package is not installed.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    file = Path(out) if out is not None else _default(run, form, precision)
    _check_options(run, file, form, precision, ranges, tolerance, views)
    chosen = check_views(views or run.task.predict.views)
    through = Through(chosen, check_average(run.task, chosen, average))
    made = _Making(run, form, precision, calibration_of(run, calibrate, prevalence), through)
    found: list[Exported] = []
    allowed = TOLERANCES[precision] if tolerance is None else tolerance

    def write(temporary: Path) -> None:
        found.append(made.into(temporary, Path(check) if check else None, ranges, allowed))

    write_whole(file, write)
    return Exported(file, found[0].about, found[0].check)


class _Making:
    """A file in the making."""

    def __init__(
        self, run: Run, form: str, precision: str, calibration: Calibration, through: Through
    ) -> None:
        self.run, self.form, self.precision, self.through = run, form, precision, through
        self.calibration, self.statistics = calibration, statistics_of(run)
        self.learn = run.restore("cpu")

    def into(
        self, path: Path, check: Path | None, ranges: str | Path | None, tolerance: float
    ) -> Exported:
        """Write the file, compare it with the run, and put into it what it says of itself."""
        most = FEW if self.precision == "fp32" else MANY
        with images_of(self.run, check, most) as images:
            own = self._own_predictions(images)
            whole = self.whole
            write = self._write(path, whole, ranges)
            predict = self._runner(path, whole)
            found = compare_with(predict, self.run.task, self.statistics.metadata, images, own)
        refuse_if_apart(found, tolerance, self.precision)
        told = about(self.run, whole, self.statistics, self.calibration, self.precision, found)
        write(texts_of(self.run, told))
        return Exported(path, told, found)

    @property
    def whole(self) -> Whole:
        """The whole way from pixels to a decision."""
        network: nn.Module = self.learn.model.eval()
        if self.run.task.metadata_only:
            network = WithoutImages(network)
        if self.precision == "fp16":
            network = Half(network)
        return Whole(network, self.run.task, self.statistics, self.calibration, self.through)

    def _own_predictions(self, images: Images) -> pd.DataFrame:
        """Return the run's own predictions, by the code that every prediction is made by."""
        task = self.run.task
        outputs = network_outputs(
            self.learn,
            task,
            images.items,
            self.statistics,
            views=self.through.views,
            average=self.through.average,
            workers=0,
            cache=False,
        )
        return predictions_table(task, images.items, outputs, self.calibration)

    def _runner(self, path: Path, whole: Whole) -> Predict:
        if self.form == "pt2":
            return pt2_file.runner(path, whole.names)
        return onnx_file.runner(path)

    def _write(self, path: Path, whole: Whole, ranges: str | Path | None) -> Any:
        """Write the network, and return what puts texts into the file."""
        program = traced(whole, trace_with(self.run.task, self.statistics.metadata))
        if self.form == "pt2":
            write_pt2(program, {}, path)
            return lambda texts: write_pt2(program, texts, path)
        if self.precision == "int8":
            with tempfile.TemporaryDirectory() as folder:
                full = Path(folder) / "full.onnx"
                write_onnx(program, whole.names, full)
                items = _measured(self.run, ranges)
                given = inputs_of(self.run.task, self.statistics.metadata, items)
                onnx_file.quantize(full, path, given)
        else:
            write_onnx(program, whole.names, path)
        return partial(onnx_file.put_properties, path)


def _default(run: Run, form: str, precision: str) -> Path:
    name = "model" if precision == "fp32" else f"model-{precision}"
    return run.results / f"{name}.{form}"


def _check_options(  # noqa: PLR0917
    run: Run,
    file: Path,
    form: str,
    precision: str,
    ranges: str | Path | None,
    tolerance: float | None,
    views: Sequence[str] | None,
) -> None:
    """Refuse options that are unknown or have no effect, before any work is done."""
    for given, known, option in ((form, FORMATS, "format"), (precision, PRECISIONS, "precision")):
        if given not in known:
            close = nearest(given, known) or f"; there are {', '.join(known)}"
            raise TaskError(f"there is no {option} '{given}'{close}")
    if form == "onnx":
        check_onnx()
    elif precision == "int8":
        raise TaskError("--precision int8 is made by onnxruntime, and goes with --format onnx")
    if file.suffix != f".{form}":
        raise TaskError(f"the file {file.name} should end in .{form}, as --format says")
    check_place(file)
    if ranges is not None and precision != "int8":
        raise TaskError("--ranges has no effect without --precision int8")
    if tolerance is not None and not 0 < tolerance <= 1:
        raise TaskError(f"--tolerance {tolerance:g} is not between 0 and 1")
    if run.task.metadata_only and views is not None:
        raise TaskError("--views has no effect: the network looks at metadata alone")
    if run.task.metadata_only and precision == "int8":
        raise TaskError("--precision int8 saves nothing: the network looks at metadata alone")


def _measured(run: Run, ranges: str | Path | None) -> pd.DataFrame:
    """Return the images that the ranges of layers are measured on.

    Raises:
        DataError: there are none.
    """
    if ranges is not None:
        return readable(some(read_input(run.task, ranges), MEASURED), run.task, False, False)
    items = part(run.items, "train")
    if items.empty or not run.data.is_dir():
        raise DataError(
            f"{run.title} has no training images here, which --precision int8 measures the ranges "
            "of its layers on; give images like them with --ranges INPUT"
        )
    return located(some(items, MEASURED))


def tell_of(exported: Exported) -> None:
    """Tell the user what was made, and how it was checked."""
    found, precision = exported.check, exported.about["precision"]
    size = exported.path.stat().st_size / 1e6
    note(
        f"{found.images} {found.what}: the largest difference of a probability is "
        f"{found.difference:.2g}; {found.changed} predicted classes are others"
    )
    note(f"{exported.path} ({precision}, {size:.1f} MB) predicts without fastmed")

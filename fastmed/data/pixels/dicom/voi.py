"""From what values mean to 0 to 1: the values of interest (PS3.3, C.11.2)."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fastmed.data.pixels.dicom.fields import Fields
from fastmed.data.pixels.dicom.frame import Frame
from fastmed.data.pixels.dicom.modality import Meaning, Values
from fastmed.data.pixels.dicom.tables import grey_table
from fastmed.data.pixels.scaling import UnreadableError
from fastmed.settings.image import ImageSettings, Window

FIELDS = ("VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction", "Modality")

# Centre and width in Hounsfield units, as they are usual in reading CT.
WINDOWS = {
    "lung": Window(center=-600, width=1500),
    "mediastinum": Window(center=50, width=350),
    "soft_tissue": Window(center=50, width=400),
    "liver": Window(center=30, width=150),
    "bone": Window(center=400, width=1800),
    "brain": Window(center=40, width=80),
}


class Shown(NamedTuple):
    """How values are shown.

    Attributes:
        of: meaning -> shown, from 0 to 1, or outside where it is cut off.
        how: in words.
    """

    of: Callable[[Values], Values]
    how: str


def shown_by(
    frame: Frame, meaning: Meaning, sample: Callable[[], Values], settings: ImageSettings
) -> Shown:
    """Return how a frame is shown: by the task's window, the file's table or window, or a range.

    Args:
        frame: with the fields of its file.
        meaning: of its stored values.
        sample: returns what values mean of which percentiles are taken, without background.
        settings: of the task.

    Raises:
        UnreadableError: the task's window or the file's table doesn't suit the values.
    """
    if settings.window is not None:
        return _windowed(_task_window(settings.window, frame.fields), "window of the task")
    tables = frame.fields.items("VOILUTSequence")
    if tables:
        table = grey_table(tables[0], meaning.low < 0, frame.little)
        return Shown(lambda values: table.look_up(values) / table.greatest, "table of the file")
    window = _file_window(frame.group("FrameVOILUTSequence"))
    if window is not None:
        return _windowed(window, "window of the file")
    if meaning.bits > 8 and settings.scale != "declared":
        return _percentiles(sample(), settings.percentiles)
    what = f"{meaning.bits} bit" + ("s" if meaning.bits > 1 else "")
    return _between(meaning.low, meaning.high, what)


def _task_window(window: str | Window, fields: Fields) -> Window:
    """Return a window of the task; those with a name are for Hounsfield units."""
    if isinstance(window, Window):
        return window
    if fields.text("Modality") not in ("CT", ""):
        raise UnreadableError(
            f"image.window = '{window}' is for CT, but {fields.said('Modality')}; give a center "
            "and a width instead, or no window"
        )
    return WINDOWS[window]


def _file_window(fields: Fields) -> Window | None:
    """Return the first window of a file, or None where it has none that can be used."""
    center, width = fields.number("WindowCenter"), fields.number("WindowWidth")
    if center is None or width is None or not np.isfinite([center, width]).all() or width <= 0:
        return None
    function = fields.text("VOILUTFunction").lower()
    return Window.model_validate(
        {
            "center": center,
            "width": width,
            "function": function if function in FUNCTIONS else "linear",
        }
    )


def _windowed(window: Window, how: str) -> Shown:
    function = FUNCTIONS[window.function]
    return Shown(lambda values: function(values, window.center, window.width), how)


def _linear(values: Values, center: float, width: float) -> Values:
    if width <= 1:
        return (values > center - 0.5).astype(np.float64)
    return (values - (center - 0.5)) / (width - 1) + 0.5


def _linear_exact(values: Values, center: float, width: float) -> Values:
    return (values - center) / width + 0.5


def _sigmoid(values: Values, center: float, width: float) -> Values:
    fall: Values = np.exp((-4 * (values - center) / width).clip(-700, 700))
    return 1 / (1 + fall)


FUNCTIONS: dict[str, Callable[[Values, float, float], Values]] = {
    "linear": _linear,
    "linear_exact": _linear_exact,
    "sigmoid": _sigmoid,
}


def _percentiles(sample: Values, percentiles: tuple[float, float]) -> Shown:
    """Return what lies between two percentiles; between the extremes, where these are equal."""
    lower, upper = percentiles
    how = f"percentiles {lower:g} to {upper:g}"
    if not sample.size:
        return _between(0, 0, how)
    low, high = np.percentile(sample, (lower, upper))
    if low == high:
        low, high = sample.min(), sample.max()
    return _between(float(low), float(high), how)


def _between(low: float, high: float, how: str) -> Shown:
    return Shown(lambda values: (values - low) / ((high - low) or 1.0), how)

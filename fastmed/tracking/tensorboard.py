"""Tracking by TensorBoard: event files below the run's folder."""

import json
import time
from pathlib import Path
from typing import Any, ClassVar

from fastmed.tracking.tracker import About, Tracker, Values

FOLDER = "tensorboard"


class TensorBoard(Tracker):
    """Writes event files, which ``tensorboard --logdir runs`` shows, of all runs side by side."""

    label: ClassVar[str] = "TensorBoard"
    package: ClassVar[str] = "tensorboard"

    def __init__(self, about: About) -> None:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self.events, self.summaries = event_pb2, summary_pb2
        self.writer = EventFileWriter(str(about.folder / FOLDER))
        self.settings: dict[str, Any] | None = about.settings
        self.last = 0

    def epoch(self, number: int, values: Values) -> None:
        """Write a point of each curve."""
        if self.settings is not None:
            self._begin(number, self.settings)
        self.last = number
        self._add([self._value(name, simple_value=value) for name, value in values.items()], number)

    def figure(self, name: str, file: Path, number: int) -> None:
        """Write a picture."""
        from PIL import Image

        with Image.open(file) as picture:
            width, height = picture.size
        image = self.summaries.Summary.Image(
            height=height, width=width, colorspace=4, encoded_image_string=file.read_bytes()
        )
        self._add([self._value(name, image=image)], number)

    def end(self, status: str, scores: Values) -> None:
        """Write the scores as points of the last epoch, and close the file."""
        values = [self._value(name, simple_value=value) for name, value in scores.items()]
        self._add([*values, self._text("status", status)], self.last)
        self.writer.close()

    def _begin(self, number: int, settings: dict[str, Any]) -> None:
        """Write the settings, and drop points from this epoch on, which are trained once more."""
        session = self.events.SessionLog(status=self.events.SessionLog.START)
        self.writer.add_event(
            self.events.Event(wall_time=time.time(), step=number, session_log=session)
        )
        shown = json.dumps(settings, indent=2, ensure_ascii=False)
        self._add([self._text("task", "\n".join(f"    {line}" for line in shown.splitlines()))], 0)
        self.settings = None

    def _add(self, values: list[Any], number: int) -> None:
        summary = self.summaries.Summary(value=values)
        event = self.events.Event(wall_time=time.time(), step=number, summary=summary)
        self.writer.add_event(event)
        self.writer.flush()

    def _value(self, name: str, **content: Any) -> Any:
        return self.summaries.Summary.Value(tag=name, **content)

    def _text(self, name: str, text: str) -> Any:
        """Return a text as TensorBoard's plugin of that name takes it, in Markdown."""
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

        shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
        tensor = TensorProto(dtype="DT_STRING", string_val=[text.encode()], tensor_shape=shape)
        plugin = self.summaries.SummaryMetadata.PluginData(plugin_name="text")
        metadata = self.summaries.SummaryMetadata(plugin_data=plugin)
        return self._value(f"{name}/text_summary", metadata=metadata, tensor=tensor)

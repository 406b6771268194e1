"""The whole way from pixels to a decision as one network, which other programs can run."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fastmed.data.metadata import MetadataEncoder
from fastmed.exporting.decision import Decision
from fastmed.exporting.known import Coded, examples, input_name
from fastmed.exporting.resampling import Fit
from fastmed.learn.input.statistics import Statistics
from fastmed.learn.outputs import read_outputs
from fastmed.learn.views import border_of, see
from fastmed.results.calibration.probabilities import TINY, Calibration
from fastmed.settings.predict import Average
from fastmed.task import Task

IMAGES = "images"
NETWORK = "network"  # the attribute that holds what was trained


class Half(nn.Module):
    """A network that counts with half precision, between inputs and outputs of single precision."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.half()

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return the outputs (B, K) of the network's inputs."""
        return self.network(*(given.half() for given in inputs)).float()


class Through(NamedTuple):
    """The views that images are seen through, and what is averaged over them."""

    views: Sequence[str]
    average: Average | None = None


class Whole(nn.Module):
    """Images and metadata as they come, through all that a run does with them, to its predictions.

    Attributes:
        names: of the inputs, in their order.
        network: what was trained.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        task: Task,
        statistics: Statistics,
        calibration: Calibration,
        through: Through,
    ) -> None:
        super().__init__()
        self.network = network
        self.task, self.views = task, list(through.views)
        self.average = through.average or "probabilities"
        self.fit = None if task.metadata_only else Fit(task.image)
        self.coded = Coded(statistics.metadata) if statistics.metadata else None
        self.decision = Decision(calibration, len(task.classes))
        self.names = input_names(task, statistics.metadata)
        for name, numbers in (("mean", statistics.mean), ("std", statistics.std)):
            self.register_buffer(name, torch.tensor(numbers).view(-1, 1, 1), persistent=False)

    def forward(self, *inputs: Tensor) -> dict[str, Tensor]:
        """Return the predictions of images (B, H, W, 3) uint8 and metadata (B,) each.

        A network that looks at metadata alone takes no images.
        """
        given = list(inputs)
        images = None if self.fit is None else self.fit(given.pop(0)) / 255
        metadata = [] if self.coded is None else [self.coded(*given)]
        if images is None:
            return self.decision(read_outputs(self.task, self.network(*metadata)))
        border = border_of(self.task.image.fit)
        views = torch.cat([see(images, view, border) for view in self.views])
        repeated = [known.repeat(len(self.views), 1) for known in metadata]
        outputs = read_outputs(self.task, self.network(self._normalized(views), *repeated))
        if len(self.views) > 1:
            shape = (len(self.views), -1, *outputs.shape[1:])
            outputs = self._mean(outputs.reshape(shape))
        return self.decision(outputs)

    def _mean(self, each: Tensor) -> Tensor:
        """Return the mean over views of probabilities (V, B, K), or of values (V, B)."""
        if each.ndim == 3 and self.average == "logits":
            return each.clamp(min=TINY).log().mean(0).softmax(-1)
        return each.mean(0)

    def _normalized(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.std


class WithoutImages(nn.Module):
    """A network that takes an image and does not look at it, as one of metadata alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, metadata: Tensor) -> Tensor:
        """Return the outputs (B, K) of coded metadata."""
        return self.network(metadata, metadata)


def input_names(task: Task, metadata: MetadataEncoder | None) -> list[str]:
    """Return the names of a file's inputs, in their order."""
    known = [input_name(field) for field in metadata.fields] if metadata else []
    return known if task.metadata_only else [IMAGES, *known]


def trace_with(task: Task, metadata: MetadataEncoder | None) -> tuple[Tensor, ...]:
    """Return inputs of two images, to trace a network with."""
    images = torch.zeros(2, 97, 83, 3, dtype=torch.uint8)
    known = examples(metadata, 2) if metadata else []
    return tuple(known) if task.metadata_only else (images, *known)

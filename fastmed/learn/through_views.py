"""A network that sees batches of images through fixed views."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from fastai.learner import Learner
from torch import Tensor, nn

from fastmed.learn.input.statistics import Statistics
from fastmed.learn.memory import memory_kept
from fastmed.learn.outputs import read_outputs
from fastmed.learn.views import border_of, see
from fastmed.network_files import is_code
from fastmed.settings.predict import Average
from fastmed.task import Task

TINY = 1e-12  # a probability below it counts as it
AT_A_TIME = 8 * 224**2  # pixels of images that a processor's cache can hold with all their maps


class Seen(NamedTuple):
    """What a network gives for n images: probabilities (n, K), or values of plain grades (n,).

    Attributes:
        mean: over the views.
        each: of each view, (V, n, K) or (V, n).
    """

    mean: np.ndarray
    each: np.ndarray

    @classmethod
    def joined(cls, parts: "Sequence[Seen]") -> "Seen":
        """Return several batches as one."""
        mean, each = (np.concatenate([p[i] for p in parts], axis=i) for i in (0, 1))
        return cls(mean, each)


class Seer:
    """A network and what belongs to its input: normalisation, views, and how they are averaged.

    Args:
        learn: with the network.
        task: of the network.
        statistics: of the pixels.
        views: their names.
        average: over the views; see `PredictSettings`.
    """

    def __init__(
        self,
        learn: Learner,
        task: Task,
        statistics: Statistics,
        views: Sequence[str],
        average: Average | None = None,
    ) -> None:
        self.model, self.task, self.views = learn.model.eval(), task, list(views)
        self.average = average or "probabilities"
        self.statistics = statistics
        self.device = torch.device(learn.dls.device)
        self._border = border_of(task.image.fit)
        self._mean, self._std = (
            torch.tensor(numbers, device=self.device).view(1, -1, 1, 1)
            for numbers in (statistics.mean, statistics.std)
        )

    @property
    def batch(self) -> int:
        """How many images the network sees at a time: few on a CPU, whose caches are small."""
        few = max(1, AT_A_TIME // self.task.image.size**2)
        return min(self.task.train.batch, few) if self._on_cpu else self.task.train.batch

    @property
    def _on_cpu(self) -> bool:
        return self.device.type == "cpu"

    @torch.no_grad()
    def see(
        self,
        pixels: Sequence[np.ndarray],
        metadata: np.ndarray | None = None,
        look: Callable[[Tensor], None] | None = None,
    ) -> Seen:
        """Return what the network gives for a batch of images.

        Args:
            pixels: of each image, as `prepare` makes them.
            metadata: coded, (n, width), for a network that takes any; the same in each view.
            look: is shown the images as they are, normalised, before the network sees them.
        """
        images = as_batch(pixels).to(self.device).float().div_(255)
        more = [] if metadata is None else [torch.from_numpy(metadata).to(self.device)]
        if look is not None:
            look(self._normalized(images))
        outputs = [
            self.model(self._normalized(see(images, view, self._border)), *more).float()
            for view in self.views
        ]
        given = read_outputs(self.task, torch.stack(outputs))
        return Seen(*(part.cpu().numpy().astype(np.float64) for part in (self._one(given), given)))

    def nothing(self) -> Seen:
        """Return what the network gives for no image."""
        given = read_outputs(self.task, torch.empty(len(self.views), 0, self.task.outputs))
        return Seen(given[0].double().numpy(), given.double().numpy())

    def _normalized(self, images: Tensor) -> Tensor:
        """Return images as the network takes them; grey ones then have all its channels."""
        images = images.sub(self._mean).div_(self._std)
        return images.contiguous(memory_format=self._layout)

    @property
    def _layout(self) -> torch.memory_format:
        last = self._on_cpu and not is_code(self.task.train.arch)
        return torch.channels_last if last else torch.contiguous_format

    def _one(self, each: Tensor) -> Tensor:
        """Return the mean over views of probabilities (V, n, K), or of values (V, n)."""
        if each.ndim == 3 and self.average == "logits":
            return each.clamp_min(TINY).log().mean(0).softmax(-1)
        return each.mean(0)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Keep memory and lay out weights as the processor likes them; a GPU's are left alone."""
        with memory_kept(self.device):
            if self._layout is torch.contiguous_format or _is_channels_last(self.model):
                yield
                return
            self.model.to(memory_format=torch.channels_last)
            try:
                yield
            finally:
                self.model.to(memory_format=torch.contiguous_format)


def as_batch(pixels: Sequence[np.ndarray]) -> Tensor:
    """Return images as one batch, uint8 (n, 3, side, side), or (n, 1, ...) if all are grey."""
    if all(image.ndim == 2 for image in pixels):
        return torch.from_numpy(np.stack(pixels)).unsqueeze(1)
    coloured = [
        image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2) for image in pixels
    ]
    return torch.from_numpy(np.stack(coloured)).permute(0, 3, 1, 2)


def _is_channels_last(model: nn.Module) -> bool:
    """True if any of the weights is laid out so already."""
    return any(
        weight.ndim == 4
        and not weight.is_contiguous()
        and weight.is_contiguous(memory_format=torch.channels_last)
        for weight in model.parameters()
    )

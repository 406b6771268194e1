"""What is seen of images while they are predicted: light, colour, and the body's features."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from fastmed.data.pixels.file_facts import file_facts
from fastmed.data.tables import root_of
from fastmed.familiarity.likeness import MODALITY, Sight
from fastmed.learn.input.statistics import Statistics
from fastmed.learn.network.backbone import Backbone


class Watch:
    """Collects what is seen of the batches that a model predicts."""

    def __init__(self, statistics: Statistics) -> None:
        self.mean = torch.tensor(statistics.mean).view(-1, 1, 1)
        self.std = torch.tensor(statistics.std).view(-1, 1, 1)
        self.light: list[np.ndarray] = []
        self.features: list[np.ndarray] = []

    @torch.no_grad()
    def look(self, images: Tensor) -> None:
        """Measure brightness, contrast and colour of normalised images (B, C, H, W)."""
        pixels = images.float() * self.std.to(images.device) + self.mean.to(images.device)
        grey = pixels.mean(1)
        tint = (pixels - grey[:, None]).abs().mean((1, 2, 3))
        found = torch.stack([grey.mean((1, 2)), grey.std((1, 2)), tint], dim=1)
        self.light.append(found.cpu().numpy())

    def sight(self, items: pd.DataFrame) -> Sight:
        """Return what was seen of items, once all of their batches were predicted in order."""
        light = np.concatenate(self.light).astype(float)
        table = pd.DataFrame(light, index=items.index, columns=["brightness", "contrast", "colour"])
        facts = file_facts(items, root_of(items), tell=False)
        sides = facts[["width", "height"]].to_numpy(dtype=float)
        table["size"] = np.log(sides.min(axis=1))
        table["aspect"] = np.log(sides[:, 0] / sides[:, 1])
        table[MODALITY] = items.get("meta_modality", "")
        return Sight(table, np.concatenate(self.features) if self.features else None)


@contextmanager
def watching(model: nn.Module, watch: Watch | None) -> Iterator[None]:
    """Let a watch have the features of the model's body, averaged over the map, of each batch.

    A network without a body that gives a map has none to give.
    """
    body = next((part for part in model.modules() if isinstance(part, Backbone)), None)
    if watch is None or body is None or body.whole:
        yield
        return

    def keep(_body: nn.Module, _images: tuple[Tensor, ...], features: Tensor) -> None:
        if len(watch.features) < len(watch.light):  # of several views, the first
            watch.features.append(features.detach().float().mean((2, 3)).cpu().numpy())

    hook = body.register_forward_hook(keep)
    try:
        yield
    finally:
        hook.remove()

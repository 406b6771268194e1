"""What a network consists of: layers, shapes, parameters, multiply-adds, groups, weights."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import nn

from fastmed.errors import ModelError, TaskError
from fastmed.learn.network.architectures import resolve_arch
from fastmed.learn.network.backbone import Backbone, OwnHead, normalization_of
from fastmed.learn.network.body import make_body
from fastmed.learn.network.groups import layer_groups
from fastmed.learn.network.head import make_head
from fastmed.learn.network.layers import Layer, Measured
from fastmed.network_files import is_hub
from fastmed.settings.sources import FoldersSource
from fastmed.task import Task

GROUPS = ("early", "late", "head")
COLUMNS = ("layer", "kind", "output", "parameters", "multiply_adds", "group")
_PLAIN = Task(
    name="network",
    title="A backbone without a task",
    goal="category",
    classes=("no", "yes"),
    source=FoldersSource(kind="folders"),
)


@dataclass(frozen=True)
class NetworkDescription:
    """What a network consists of, for one image.

    Attributes:
        arch: the name, as timm has it.
        size, channels: of the image.
        layers: a table with the columns `COLUMNS`: a part of the network, its class, the shape
            of what it gives (without the batch), its parameters and multiply-adds, and the group
            that it learns in. Each parameter is in one row.
        parameters, multiply_adds: in all; a multiply-add counts once. Additions, normalisations
            and activations are not counted.
        groups: the parameters of each group that learns at a rate of its own.
        pretrained: where pretrained weights come from, or None.
        mean, std: of the pixels that the network was made for, on 0 to 1.
    """

    arch: str
    size: int
    channels: int
    layers: pd.DataFrame
    parameters: int
    multiply_adds: int
    groups: dict[str, int]
    pretrained: str | None
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        plain = {name: value for name, value in vars(self).items() if name != "layers"}
        return {**plain, "layers": self.layers.to_dict("records")}


def describe_network(
    arch: str | None = None,
    *,
    size: int | None = None,
    channels: int | None = None,
    task: Task | None = None,
    depth: int = 2,
) -> NetworkDescription:
    """Return what a network consists of; nothing is downloaded but a hub's config.

    Args:
        arch: any name that ``train.arch`` takes; None takes the task's.
        size: of the image, in pixels; None takes the task's, or 224.
        channels: of the image; None takes the task's, or 3.
        task: to stand the task's head on the backbone; without one, the backbone is alone.
        depth: how far parts are taken apart: 1 shows a network's stages, 2 their blocks.

    Raises:
        ModelError: the network is unknown, or doesn't work at this size.
        TaskError: neither a network nor a task is named, or the task looks at no image.
    """
    if arch is None and task is None:
        raise TaskError("name a network, or a task whose network is meant")
    given = {"train.arch": arch, "image.size": size, "image.channels": channels}
    given = {key: value for key, value in given.items() if value is not None}
    chosen = (task or _PLAIN).with_changes({**given, "meta": []} if arch else given)
    if chosen.metadata_only:
        raise TaskError("the network 'metadata' looks at no image: there are no layers to show")
    name = resolve_arch(chosen.train.arch, pretrained=False)
    chosen = chosen.with_changes({"train.arch": name, "meta": []})
    body = make_body(chosen, download=False)
    standing = [] if task is None or body.whole else [_head(body, chosen)]
    model = nn.Sequential(body, *standing).eval()
    measured = Measured(model, torch.zeros(1, chosen.image.channels, *2 * (chosen.image.size,)))
    rows = [*measured.layers(body.net, "0.net", depth)]
    rows += [row for head in standing for row in measured.layers(head, "1", 1, "head")]
    groups = dict(zip(GROUPS, layer_groups(model), strict=True))
    mean, std = normalization_of(name)
    return NetworkDescription(
        arch=name,
        size=chosen.image.size,
        channels=chosen.image.channels,
        layers=_table(rows, groups),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        multiply_adds=measured.multiply_adds,
        groups={name: sum(p.numel() for p in group) for name, group in groups.items()},
        pretrained=_source_of_weights(name),
        mean=mean,
        std=std,
    )


def _head(body: Backbone, task: Task) -> nn.Module:
    if task.head.own:
        return OwnHead(body)
    return make_head(body.features, task.head, task.outputs, task.loss == "coral")


def _table(rows: list[Layer], groups: dict[str, list[nn.Parameter]]) -> pd.DataFrame:
    of_group = {id(p): name for name, group in groups.items() for p in group}
    cells = []
    for row in rows:
        found = {of_group[id(parameter)] for parameter in row.parameters}
        names = " and ".join(name for name in GROUPS if name in found)
        shape = "x".join(map(str, row.output)) if row.output else ""
        cells.append((row.name, row.kind, shape, row.size, row.multiply_adds, names))
    return pd.DataFrame(cells, columns=list(COLUMNS))


def _source_of_weights(name: str) -> str | None:
    """Return what `--pretrained` would start from; None if there is nothing."""
    if is_hub(name):
        return name
    try:
        found = resolve_arch(name, pretrained=True)
    except ModelError:
        return None
    return f"timm's {found}"

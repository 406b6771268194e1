"""A task and its DataLoaders as a fastai Learner."""

from typing import Any

import fastai.vision.all  # noqa: F401 (gives Learner its methods: lr_find, fine_tune, ...)
import numpy as np
import torch
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.vision.learner import vision_learner
from torch import nn

from fastmed.console import note
from fastmed.data.balance import class_weights
from fastmed.errors import TaskError
from fastmed.learn.fitting.losses import make_loss
from fastmed.learn.fitting.metrics import make_metrics
from fastmed.learn.fitting.optimizers import make_optimizer, weight_decay
from fastmed.learn.fitting.precision import set_precision
from fastmed.learn.fitting.techniques import check_sizes
from fastmed.learn.fitting.ways import asked_way
from fastmed.learn.input.meta_block import encoder_of
from fastmed.learn.network.architectures import resolve_arch
from fastmed.learn.network.backbone import Backbone, OwnHead
from fastmed.learn.network.body import make_body
from fastmed.learn.network.continuation import check_start, load_body, load_head
from fastmed.learn.network.fusion import FusionNet, MetadataNet, metadata_groups
from fastmed.learn.network.groups import block_groups, layer_groups
from fastmed.learn.network.head import make_head
from fastmed.learn.network.hub import hub_weights
from fastmed.learn.network.own_network import make_own
from fastmed.learn.network.pretrained import pretrained_arguments
from fastmed.network_files import is_code, is_hub
from fastmed.run import run_of_weights
from fastmed.task import Task


def learner(task: Task, dls: DataLoaders, initialize: bool = True, start: bool = True) -> Learner:
    """Return a fastai Learner of the task's network, loss, optimizer and metrics.

    Everything of fastai works on it: ``lr_find``, ``fine_tune``, ``fit_one_cycle``,
    ``show_results``. A pretrained body comes unfrozen; ``learn.freeze()`` freezes it.

    Args:
        task: says what is built.
        dls: from `dataloaders`.
        initialize: False leaves out pretrained weights and what only a training needs, for a
            network that is to be restored.
        start: False leaves out pretrained weights alone, for a training that goes on.

    Raises:
        ModelError: the backbone is unknown, or its weights can't be had or don't fit.
    """
    weights = _class_weights(task, dls) if initialize else None
    loss = make_loss(task, weights, own=initialize)
    loss.to(dls.device)
    options = {
        "loss_func": loss,
        "opt_func": make_optimizer(task.train),
        "lr": task.train.lr,
        "wd": weight_decay(task.train),
        "metrics": make_metrics(task),
    }
    if task.metadata_only:
        net = MetadataNet(encoder_of(dls), task.head, task.outputs, task.loss == "coral")
        learn = Learner(dls, net, splitter=metadata_groups, **options)
    else:
        learn = _image_learner(task, dls, initialize and start, options)
    device = torch.device(dls.device)
    return set_precision(learn, asked_way(task, device).precision) if initialize else learn


def _image_learner(
    task: Task, dls: DataLoaders, initialize: bool, options: dict[str, Any]
) -> Learner:
    """Return the Learner of a network that looks at images, and at metadata if the task has any."""
    body = _body(task, initialize)
    learn = vision_learner(
        dls,
        _Architecture(body),
        n_out=task.outputs,
        pretrained=False,
        normalize=False,
        custom_head=_head(body, task),
        splitter=layer_groups if task.train.layer_decay is None else block_groups,
        **options,
    )
    if initialize:
        check_sizes(task, body)
    metadata = encoder_of(dls) if task.meta else None
    if metadata is not None:
        learn.model = FusionNet(learn.model, metadata)
    start = run_of_weights(task.train.weights) if initialize and task.train.weights else None
    if start is not None:
        load_head(learn.model, start, task, metadata)
    return learn


def check_weights(task: Task) -> None:
    """Refuse weights that can't be had, before any work is done.

    Raises:
        ModelError: the file is missing, or timm's weights are neither cached nor in reach, or the
            user's own network doesn't do what it should.
    """
    arch = task.train.arch
    if is_code(arch):
        make_own(task)
    if task.train.weights is not None:
        check_start(task)
    elif task.train.pretrained and is_hub(arch):
        hub_weights(arch)
    elif task.train.pretrained and not task.metadata_only:
        pretrained_arguments(resolve_arch(arch, pretrained=True))


class _Architecture:
    """What `vision_learner` calls for a network, which it cuts before the last pooling layer."""

    def __init__(self, body: Backbone) -> None:
        self.body = body

    def __call__(self, pretrained: bool = False) -> nn.Module:
        return nn.Sequential(self.body, nn.AdaptiveAvgPool2d(1))


def _body(task: Task, initialize: bool) -> Backbone:
    from_file = task.train.weights is not None
    download = initialize and task.train.pretrained and not from_file
    body = make_body(task, download)
    if initialize and from_file:
        load_body(body, task)
    return body


def _head(body: Backbone, task: Task) -> nn.Module:
    """Return the head; on a whole network of the user's there is none."""
    if body.whole:
        if task.loss == "coral":
            raise TaskError(f"{task.train.arch} has no head for the loss coral; take corn")
        if task.head.own:
            return nn.Identity()
        note(f"{task.train.arch} gives the outputs itself: the task's head is left out.")
        return nn.Identity()
    if task.head.own:
        return OwnHead(body)
    return make_head(body.features, task.head, task.outputs, task.loss == "coral")


def _class_weights(task: Task, dls: DataLoaders) -> np.ndarray | None:
    if task.balance.method != "class_weights":
        return None
    return class_weights(dls.train.items, task.classes, task.balance.beta)

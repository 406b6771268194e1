"""A task and its DataLoaders as a fastai Learner."""

from pathlib import Path
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
from fastmed.learn.fitting.losses import make_loss
from fastmed.learn.fitting.metrics import make_metrics
from fastmed.learn.fitting.optimizers import OPTIMIZERS, weight_decay
from fastmed.learn.input.meta_block import encoder_of
from fastmed.learn.network.architectures import resolve_arch
from fastmed.learn.network.backbone import Backbone, make_backbone
from fastmed.learn.network.continuation import check_start, load_head, weights_file
from fastmed.learn.network.fusion import FusionNet, MetadataNet, metadata_groups
from fastmed.learn.network.groups import layer_groups
from fastmed.learn.network.head import make_head
from fastmed.learn.network.pretrained import pretrained_arguments
from fastmed.learn.network.weights import load_body_weights
from fastmed.run import Run
from fastmed.task import Task


def learner(task: Task, dls: DataLoaders, initialize: bool = True) -> Learner:
    """Return a fastai Learner of the task's network, loss, optimizer and metrics.

    Everything of fastai works on it: ``lr_find``, ``fine_tune``, ``fit_one_cycle``,
    ``show_results``. A pretrained body comes unfrozen; ``learn.freeze()`` freezes it.

    Args:
        task: says what is built.
        dls: from `dataloaders`.
        initialize: False leaves out pretrained weights, for a network that is to be restored.

    Raises:
        ModelError: the backbone is unknown, or its weights can't be had or don't fit.
    """
    weights = _class_weights(task, dls) if initialize else None
    loss = make_loss(task, weights)
    loss.to(dls.device)
    options = {
        "loss_func": loss,
        "opt_func": OPTIMIZERS[task.train.opt],
        "lr": task.train.lr,
        "wd": weight_decay(task.train),
        "metrics": make_metrics(task),
    }
    if task.metadata_only:
        net = MetadataNet(encoder_of(dls), task.head, task.outputs)
        learn = Learner(dls, net, splitter=metadata_groups, **options)
    else:
        learn = _image_learner(task, dls, initialize, options)
    return _in_mixed_precision(learn)


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
        custom_head=make_head(body.features, task.head, task.outputs),
        splitter=layer_groups,
        **options,
    )
    metadata = encoder_of(dls) if task.meta else None
    if metadata is not None:
        learn.model = FusionNet(learn.model, metadata)
    start = Path(task.train.weights or "")
    if initialize and task.train.weights is not None and start.is_dir():
        load_head(learn.model, Run.open(start), task, metadata)
    return learn


def check_weights(task: Task) -> None:
    """Refuse weights that can't be had, before any work is done.

    Raises:
        ModelError: the file is missing, or timm's weights are neither cached nor in reach.
    """
    if task.train.weights is not None:
        check_start(task)
    elif task.train.pretrained and not task.metadata_only:
        pretrained_arguments(resolve_arch(task.train.arch, pretrained=True))


class _Architecture:
    """What `vision_learner` calls for a network, which it cuts before the last pooling layer."""

    def __init__(self, body: Backbone) -> None:
        self.body = body

    def __call__(self, pretrained: bool = False) -> nn.Module:
        return nn.Sequential(self.body, nn.AdaptiveAvgPool2d(1))


def _body(task: Task, initialize: bool) -> Backbone:
    from_file = task.train.weights is not None
    download = initialize and task.train.pretrained and not from_file
    body = make_backbone(task, download)
    if initialize and task.train.weights is not None:
        load_body_weights(body.net, weights_file(task.train.weights))
        note(f"The backbone starts from {task.train.weights}.")
    return body


def _class_weights(task: Task, dls: DataLoaders) -> np.ndarray | None:
    if task.balance.method != "class_weights":
        return None
    return class_weights(dls.train.items, task.classes)


def _in_mixed_precision(learn: Learner) -> Learner:
    if torch.device(learn.dls.device).type != "cuda":
        return learn
    return learn.to_bf16() if torch.cuda.is_bf16_supported() else learn.to_fp16()

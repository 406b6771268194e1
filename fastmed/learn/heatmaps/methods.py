"""The methods of heat maps: each a function of a network and a batch; Captum does the work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from captum.attr import IntegratedGradients, LayerGradCam, LayerGradientXActivation, Occlusion
from torch import Tensor, nn
from torch.nn import functional
from torchvision.transforms.functional import gaussian_blur

from fastmed.learn.heatmaps.aim import Aim

TOGETHER = 64  # images that go through the network at a time
WINDOWS = 8  # side of the square in windows of occlusion, which move by half of themselves
STEPS = 32  # of the path of integrated gradients
SMOOTHED = 56  # side of the square in standard deviations of the blur of integrated gradients

Method = Callable[[Aim, Tensor, tuple[Tensor, ...], Tensor], Tensor]


def gradcam(aim: Aim, images: Tensor, metadata: tuple[Tensor, ...], columns: Tensor) -> Tensor:
    """Return the channels of the feature map, weighted by their mean gradients.

    Source:
        R. Selvaraju et al., Grad-CAM, ICCV 2017 (arXiv 1610.02391).
    """
    found = _of_layer(LayerGradCam, aim, images, metadata, columns, relu_attributions=True)
    return _on_square(found, aim, images)


def hirescam(aim: Aim, images: Tensor, metadata: tuple[Tensor, ...], columns: Tensor) -> Tensor:
    """Return the feature map times its gradients, place by place, without averaging them first.

    Source:
        R. Draelos, L. Carin, HiResCAM, 2020 (arXiv 2011.08891).
    """
    found = _of_layer(LayerGradientXActivation, aim, images, metadata, columns)
    return _on_square(found.sum(1, keepdim=True).relu(), aim, images)


def occlusion(aim: Aim, images: Tensor, metadata: tuple[Tensor, ...], columns: Tensor) -> Tensor:
    """Return how much the output falls when a window of the image becomes the mean colour.

    Source:
        M. Zeiler, R. Fergus, Visualizing and understanding convolutional networks, ECCV 2014
        (arXiv 1311.2901).
    """
    channels, side = images.shape[1], max(2, images.shape[-1] // WINDOWS)
    step = max(1, side // 2)
    with torch.no_grad():
        found = Occlusion(aim).attribute(
            images,
            sliding_window_shapes=(channels, side, side),
            strides=(channels, step, step),
            baselines=0.0,
            target=columns,
            additional_forward_args=metadata or None,
            perturbations_per_eval=max(1, TOGETHER // len(images)),
        )
    return found.mean(1).relu()


def integrated_gradients(
    aim: Aim, images: Tensor, metadata: tuple[Tensor, ...], columns: Tensor
) -> Tensor:
    """Return the gradients on the way from the mean colour to the image, summed up and smoothed.

    Source:
        M. Sundararajan et al., Axiomatic attribution for deep networks, ICML 2017
        (arXiv 1703.01365).
    """
    found = IntegratedGradients(aim).attribute(
        images,
        baselines=0.0,
        target=columns,
        additional_forward_args=metadata or None,
        n_steps=STEPS,
        internal_batch_size=max(len(images), TOGETHER),
    )
    sigma = images.shape[-1] / SMOOTHED
    width = 2 * round(3 * sigma) + 1
    pixels = found.detach().sum(1, keepdim=True).float()
    return gaussian_blur(pixels, [width, width], [sigma, sigma])[:, 0].relu()


METHODS: dict[str, Method] = {
    "gradcam": gradcam,
    "hirescam": hirescam,
    "occlusion": occlusion,
    "integrated_gradients": integrated_gradients,
}


def heat_of(
    method: Method, aim: Aim, images: Tensor, metadata: tuple[Tensor, ...], columns: Tensor
) -> Tensor:
    """Return the heat of each pixel, (B, H, W) from 0 to 1; all 0 where nothing raises the output.

    Args:
        method: one of `METHODS`.
        aim: what is explained, in evaluation mode.
        images: normalised, (B, C, H, W).
        metadata: (B, width), if the network takes any.
        columns: which output of the network is explained, (B,).
    """
    with _weights_at_rest(aim), torch.enable_grad():
        found = method(aim, images, metadata, columns).detach()
    peak = found.amax((1, 2), keepdim=True)
    return torch.where(peak > 0, found / peak.clamp(min=torch.finfo(found.dtype).tiny), 0.0)


def _of_layer(
    kind: type, aim: Aim, images: Tensor, metadata: tuple[Tensor, ...], columns: Tensor, **how: Any
) -> Tensor:
    """Return what a method of Captum's makes of the body's map and its gradients."""
    with _gradients_from(aim.body):
        found = kind(aim, aim.body).attribute(
            images, target=columns, additional_forward_args=metadata or None, **how
        )
    return found.detach()


@contextmanager
def _gradients_from(layer: nn.Module) -> Iterator[None]:
    """Let gradients end at the output of a layer: what lies before it needs none."""
    hook = layer.register_forward_hook(lambda _, __, output: output.detach().requires_grad_())
    try:
        yield
    finally:
        hook.remove()


@contextmanager
def _weights_at_rest(model: nn.Module) -> Iterator[None]:
    """Ask for no gradients of weights within a ``with`` block."""
    asked = [weight for weight in model.parameters() if weight.requires_grad]
    for weight in asked:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in asked:
            weight.requires_grad_(True)


def _on_square(found: Tensor, aim: Aim, images: Tensor) -> Tensor:
    """Return maps (B, 1, h, w) of the body as maps (B, H, W) of the images.

    The body may pad images on all sides; its map is of the padded ones.
    """
    size, padding = images.shape[-1], aim.body.padding
    whole = functional.interpolate(
        found.float(), size=(size + padding, size + padding), mode="bilinear", align_corners=False
    )
    start = padding // 2
    return whole[:, 0, start : start + size, start : start + size]

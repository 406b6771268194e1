"""VGG-19 with further convolutions directly after it.

After Alshmrani et al., A deep learning architecture for multi-class lung diseases classification
using chest X-ray images (Alexandria Engineering Journal, S1110016822007104): three blocks follow.
"""

from typing import Any

from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import nn

from fastmed.learn.network.nets.staged import CONFIG, StagedNet, convolution
from fastmed.learn.network.nets.vgg import WIDTHS, stages

FURTHER = (512, 256, 128)  # channels of the further convolutions


class VGGAndCNN(StagedNet):
    """The five stages of `SkipVGG` with 19 layers, and a stage of three further convolutions."""

    def __init__(self, in_chans: int = 3, num_classes: int = 1000) -> None:
        before = (WIDTHS[-1], *FURTHER)
        further = [convolution(i, o) for i, o in zip(before, FURTHER, strict=False)]
        every = [*stages(19, in_chans), nn.Sequential(*further)]
        super().__init__(every, FURTHER[-1], num_classes)


default_cfgs = generate_default_cfgs({"lungs_vgg_cnn": CONFIG})


@register_model
def lungs_vgg_cnn(pretrained: bool = False, **options: Any) -> nn.Module:
    """Return a `VGGAndCNN`."""
    return build_model_with_cfg(VGGAndCNN, "lungs_vgg_cnn", pretrained, **options)

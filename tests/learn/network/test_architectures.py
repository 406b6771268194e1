import pytest
import timm

from fastmed.errors import ModelError
from fastmed.learn.network.architectures import TORCHVISION, resolve_arch

NAMES = {
    "efficientnet_v2_m": ("efficientnetv2_m", "tf_efficientnetv2_m"),
    "efficientnetv2_m": ("efficientnetv2_m", "tf_efficientnetv2_m"),
    "efficientnet_b7": ("efficientnet_b7", "tf_efficientnet_b7"),
    "regnet_x_16gf": ("regnetx_160", "regnetx_160"),
    "swin_v2_s": ("swinv2_small_window8_256", "swinv2_small_window8_256"),
    "mobilenet_v2": ("mobilenetv2_100", "mobilenetv2_100"),
    "ResNet-50": ("resnet50", "resnet50"),
    "resnet50.a1_in1k": ("resnet50.a1_in1k", "resnet50.a1_in1k"),
}
WITHOUT_WEIGHTS = {"mnasnet0_5", "mnasnet0_75", "mnasnet1_3", "vit_h_14"}


@pytest.mark.parametrize("name", NAMES)
def test_names_lead_to_timm(name: str) -> None:
    random, pretrained = NAMES[name]
    assert resolve_arch(name, pretrained=False) == random
    assert resolve_arch(name, pretrained=True) == pretrained
    assert timm.is_model_pretrained(pretrained)


@pytest.mark.parametrize("name", TORCHVISION)
def test_every_torchvision_name_exists(name: str) -> None:
    assert timm.is_model(resolve_arch(name, pretrained=False))
    if name not in WITHOUT_WEIGHTS:
        assert timm.is_model_pretrained(resolve_arch(name, pretrained=True))


def test_unknown_name_says_the_nearest() -> None:
    with pytest.raises(ModelError, match="no backbone 'resnt50'; did you mean 'resnet50'"):
        resolve_arch("resnt50", pretrained=False)


def test_backbone_without_weights_names_the_ways_out() -> None:
    bare = next(
        name
        for name in timm.list_models()
        if not timm.is_model_pretrained(name) and not timm.is_model_pretrained(f"tf_{name}")
    )
    with pytest.raises(ModelError, match="--weights FILE.*--no-pretrained"):
        resolve_arch(bare, pretrained=True)

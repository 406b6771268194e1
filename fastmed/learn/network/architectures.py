"""Names of networks: timm's, torchvision's, the projects' own, files of the user's, the hub's."""

import timm

import fastmed.learn.network.nets  # noqa: F401 (registers them with timm)
from fastmed.errors import ModelError, nearest
from fastmed.learn.network.hub import describe
from fastmed.learn.network.own_code import own_arch
from fastmed.network_files import is_code, is_hub
from fastmed.settings.train import METADATA

OWN = "lungs_"  # how the names of the projects' own networks begin

# torchvision's name -> timm's, where they differ by more than underscores.
TORCHVISION = {
    "regnet_x_400mf": "regnetx_004_tv",  # timm's regnetx_004 is narrower
    "regnet_x_800mf": "regnetx_008",
    "regnet_x_1_6gf": "regnetx_016",
    "regnet_x_3_2gf": "regnetx_032",
    "regnet_x_8gf": "regnetx_080",
    "regnet_x_16gf": "regnetx_160",
    "regnet_x_32gf": "regnetx_320",
    "regnet_y_400mf": "regnety_004",
    "regnet_y_800mf": "regnety_008",
    "regnet_y_1_6gf": "regnety_016",
    "regnet_y_3_2gf": "regnety_032",
    "regnet_y_8gf": "regnety_080",
    "regnet_y_16gf": "regnety_160",
    "regnet_y_32gf": "regnety_320",
    "regnet_y_128gf": "regnety_1280",
    "swin_t": "swin_tiny_patch4_window7_224",
    "swin_s": "swin_small_patch4_window7_224",
    "swin_b": "swin_base_patch4_window7_224",
    "swin_v2_t": "swinv2_tiny_window8_256",
    "swin_v2_s": "swinv2_small_window8_256",
    "swin_v2_b": "swinv2_base_window8_256",
    "vit_b_16": "vit_base_patch16_224",
    "vit_b_32": "vit_base_patch32_224",
    "vit_l_16": "vit_large_patch16_224",
    "vit_l_32": "vit_large_patch32_224",
    "vit_h_14": "vit_huge_patch14_224",
    "maxvit_t": "maxvit_tiny_tf_224",
    "mobilenet_v2": "mobilenetv2_100",
    "mobilenet_v3_large": "mobilenetv3_large_100",
    "mobilenet_v3_small": "mobilenetv3_small_100",
    "mnasnet0_5": "mnasnet_050",
    "mnasnet0_75": "mnasnet_075",
    "mnasnet1_0": "mnasnet_100",
    "mnasnet1_3": "mnasnet_140",
    "resnext101_64x4d": "resnext101_64x4d",
}


def resolve_arch(name: str, pretrained: bool) -> str:
    """Return the name of a network as timm has it, or of a file with the class in it.

    Args:
        name: timm's (``resnet50``, ``resnet50.a1_in1k``), torchvision's (``swin_v2_s``) or a
            project's (``lungs_vgg19``) name; ``my_net.py``; ``hf-hub:OWNER/NAME``; that of the
            network without a backbone stays.
        pretrained: True if pretrained weights are wanted; then a sibling that has some
            (``tf_efficientnet_b7`` for ``efficientnet_b7``) stands in for one that has none.

    Raises:
        ModelError: no such network (the nearest is said), or none with weights.
        RunError: it is code of a run that the user hasn't allowed.
    """
    if name == METADATA:
        return name
    if is_hub(name):
        describe(name)
        return name
    base = own_arch(name) if is_code(name) else _known(name)
    if not pretrained or timm.is_model_pretrained(base):
        return base
    if is_code(base) or base.startswith(OWN):
        raise ModelError(
            f"'{base}' has no pretrained weights; start from random weights with --no-pretrained, "
            "or give a file with --weights FILE"
        )
    if timm.is_model_pretrained(f"tf_{base}"):
        return f"tf_{base}"
    others = {name.partition(".")[0] for name in timm.list_models(pretrained=True)}
    raise ModelError(
        f"'{base}' has no pretrained weights in timm; give a file with --weights FILE, or start "
        f"from random weights with --no-pretrained{nearest(base, sorted(others))}"
    )


def _known(name: str) -> str:
    lower = name.strip().lower().replace("-", "_")
    for candidate in (name, lower, TORCHVISION.get(lower, "")):
        if candidate and timm.is_model(candidate):
            return candidate
    names = timm.list_models()
    plain = {other.replace("_", ""): other for other in reversed(names)}
    if lower.replace("_", "") in plain:
        return plain[lower.replace("_", "")]
    raise ModelError(f"no backbone '{name}'{nearest(lower, [*names, *TORCHVISION])}")

"""The projects' own networks: sizes, channels, parameters, groups, and that they learn."""

import itertools
from pathlib import Path

import pytest
import timm
import torch
from conftest import tiny_task
from fastai.torch_core import set_seed
from safetensors.torch import save_file
from torch import nn

from fastmed.data.items import read_items
from fastmed.errors import ModelError
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.network.architectures import resolve_arch
from fastmed.learn.network.backbone import Backbone, make_backbone
from fastmed.learn.network.groups import layer_groups
from fastmed.learn.network.head import make_head
from fastmed.learn.network.nets.unet import UNet
from fastmed.learn.network.nets.vgg import SkipConv
from fastmed.learn.network.weights import load_body_weights


def convolutions(*widths: int) -> int:
    """Return the parameters of 3x3 convolutions in a row, each with BatchNorm."""
    return sum(9 * i * o + 2 * o for i, o in itertools.pairwise(widths))


VGG16 = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
VGG19 = (64, 64, 128, 128, *[256] * 4, *[512] * 8)
DOWN = (64, 64, 128, 128, 256, 256, 512, 512, 1024, 1024)
UP = sum(
    convolutions(2 * width, width, width) + 4 * 2 * width * width + width
    for width in (512, 256, 128, 64)
)
# Channels of the map, side of the map for an image of 70 pixels, parameters counted by hand. Those
# of ResNet-34 and MobileNetV2 are of their papers, without the last layer for 1000 classes.
NETS = {
    "lungs_cnn": (256, 4, convolutions(3, 32, 64, 128, 256)),
    "lungs_resnet34": (512, 3, 21_797_672 - 513_000),
    "lungs_unet": (64, 70, convolutions(3, *DOWN) + UP),
    "lungs_mobilenetv2": (1280, 3, 3_504_872 - 1_281_000),
    "lungs_vgg16": (512, 2, convolutions(3, *VGG16)),
    "lungs_vgg19": (512, 2, convolutions(3, *VGG19)),
    "lungs_vgg_cnn": (128, 2, convolutions(3, *VGG19, 512, 256, 128)),
}
QUICK = ("lungs_cnn", "lungs_mobilenetv2")


def backbone(arch: str, size: int = 32, channels: int = 3) -> Backbone:
    torch.manual_seed(0)
    task = tiny_task("lungs", train__arch=arch, image__size=size, image__channels=channels)
    return make_backbone(task, download=False)


def test_every_one_is_known_to_timm() -> None:
    assert sorted(NETS) == sorted(timm.list_models("lungs_*"))


@pytest.mark.parametrize("arch", NETS)
def test_map_and_parameters_are_as_described(arch: str) -> None:
    features, side, parameters = NETS[arch]
    body = backbone(arch, size=70)
    assert body(torch.zeros(1, 3, 70, 70)).shape == (1, features, side, side)
    assert body.features == features
    assert sum(p.numel() for p in body.parameters()) == parameters


@pytest.mark.parametrize("arch", NETS)
def test_one_channel_is_looked_at(arch: str) -> None:
    body = backbone(arch, size=33, channels=1).eval()
    with torch.no_grad():
        dark, light = body(torch.zeros(1, 1, 33, 33)), body(torch.ones(1, 1, 33, 33))
    assert dark.ndim == 4
    assert not torch.allclose(dark, light)


@pytest.mark.parametrize("arch", NETS)
def test_groups_go_from_the_input_to_the_head(arch: str) -> None:
    body = backbone(arch)
    model = nn.Sequential(body, make_head(body.features, tiny_task("lungs").head, 3))
    early, late, head = ({id(p) for p in group} for group in layer_groups(model))
    parameters = list(body.parameters())
    assert len(early) + len(late) == len(parameters)
    assert id(parameters[0]) in early
    assert id(parameters[-1]) in late
    assert head == {id(p) for p in model[1].parameters()}


@pytest.mark.parametrize(
    "arch", [pytest.param(a, marks=[] if a in QUICK else [pytest.mark.slow]) for a in NETS]
)
def test_each_learns_phantoms_above_chance(arch: str, phantoms: dict[str, Path]) -> None:
    size = 16 if arch == "lungs_unet" else 32
    task = tiny_task("lungs", image__size=size, train__batch=12)
    set_seed(0)
    dls = dataloaders(task, read_items(task, phantoms["lungs"]), device="cpu", workers=0)
    images, labels = (given.as_subclass(torch.Tensor) for given in dls.one_batch())
    body = backbone(arch, size)
    net = nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(body.features, 3))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(10):
        outputs = net(images)
        nn.functional.cross_entropy(outputs, labels).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert (outputs.argmax(1) == labels).float().mean() > 0.6


def test_every_convolution_that_keeps_its_width_is_skipped() -> None:
    for arch, widths in (("lungs_vgg16", VGG16), ("lungs_vgg19", VGG19)):
        skips = [m for m in backbone(arch).modules() if isinstance(m, SkipConv)]
        assert len(skips) == sum(a == b for a, b in itertools.pairwise(widths))
    skip = SkipConv(4)
    nn.init.zeros_(skip.conv.conv.weight)
    features = torch.rand(1, 4, 5, 5)
    assert torch.equal(skip.eval()(features), features)


def test_details_of_the_image_reach_the_last_map_of_the_unet() -> None:
    """The way over the deepest map alone would blur a single pixel."""
    net = UNet(num_classes=0).eval()
    for stage in net.stages[5:]:
        nn.init.zeros_(stage.up.weight)
    image = torch.zeros(1, 3, 32, 32)
    image[:, :, 20, 7] = 1
    with torch.no_grad():
        change = (net.forward_features(image) - net.forward_features(torch.zeros_like(image))).abs()
    rows, columns = change[0].sum(0).nonzero(as_tuple=True)
    assert (rows - 20).abs().max() <= 4
    assert (columns - 7).abs().max() <= 4


@pytest.mark.parametrize("arch", NETS)
def test_no_pretrained_weights_is_one_sentence(arch: str) -> None:
    with pytest.raises(ModelError, match=f"'{arch}' has no pretrained weights; start from random"):
        resolve_arch(arch, pretrained=True)


def test_a_typo_says_the_nearest() -> None:
    with pytest.raises(ModelError, match="did you mean 'lungs_vgg19'"):
        resolve_arch("lungs_vg19", pretrained=False)


def test_weights_from_a_file_are_loaded(tmp_path: Path) -> None:
    source, target = backbone("lungs_cnn"), backbone("lungs_cnn")
    nn.init.ones_(next(source.parameters()))
    save_file(source.net.state_dict(), tmp_path / "w.safetensors")
    load_body_weights(target.net, tmp_path / "w.safetensors")
    assert torch.equal(next(target.parameters()), next(source.parameters()))

"""Weights of other libraries; torchvision's networks are the oracle for what they must give."""

import argparse
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from conftest import tiny_task
from safetensors.torch import save_file
from torch import Tensor, nn

from fastmed.errors import ModelError
from fastmed.learn.network.backbone import Backbone, make_backbone
from fastmed.learn.network.weights import load_body_weights


def timms(arch: str, size: int, channels: int = 3) -> Backbone:
    task = tiny_task("lungs", train__arch=arch, image__size=size, image__channels=channels)
    return make_backbone(task, download=False)


def torchvisions(name: str) -> nn.Module:
    """Return a network whose every number differs from where it started."""
    torch.manual_seed(1)
    net = getattr(torchvision.models, name)(weights=None)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d | nn.LayerNorm):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    return net.eval()


def map_of(net: nn.Module, images: Tensor) -> Tensor:
    """Return torchvision's feature map (B, C, h, w)."""
    match type(net).__name__:
        case "SwinTransformer":
            return net.norm(net.features(images)).permute(0, 3, 1, 2)
        case "DenseNet":
            return net.features(images).relu()
        case "RegNet":
            return net.trunk_output(net.stem(images))
        case "VisionTransformer":
            patches = net._process_input(images)
            tokens = torch.cat([net.class_token, patches], dim=1)
            features = net.encoder(tokens)[:, 1:].transpose(1, 2)
            side = int(features.shape[2] ** 0.5)
            return features.unflatten(2, (side, side))
        case "ResNet":
            return nn.Sequential(*list(net.children())[:-2])(images)
    return net.features(images)


PAIRS = [
    ("resnet18", "resnet18", 64),
    ("mobilenet_v2", "lungs_mobilenetv2", 64),
    ("densenet121", "densenet121", 64),
    ("efficientnet_b0", "efficientnet_b0", 64),
    ("regnet_x_400mf", "regnet_x_400mf", 64),
    ("convnext_tiny", "convnext_tiny", 64),
    pytest.param("resnet34", "lungs_resnet34", 64, marks=pytest.mark.slow),
    pytest.param("efficientnet_v2_s", "tf_efficientnetv2_s", 65, marks=pytest.mark.slow),
    pytest.param("regnet_y_400mf", "regnety_004", 64, marks=pytest.mark.slow),
    pytest.param("swin_t", "swin_t", 224, marks=pytest.mark.slow),
    pytest.param("swin_v2_t", "swin_v2_t", 256, marks=pytest.mark.slow),
    pytest.param("vit_b_32", "vit_b_32", 224, marks=pytest.mark.slow),
    pytest.param("vgg11", "vgg11", 64, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "arch", "size"), PAIRS)
def test_torchvisions_weights_give_torchvisions_features(
    name: str, arch: str, size: int, tmp_path: Path
) -> None:
    source, body = torchvisions(name), timms(arch, size)
    state = {f"module.{key}": value for key, value in source.state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    load_body_weights(body.net, tmp_path / "w.safetensors")
    images = torch.randn(1, 3, size, size)
    with torch.no_grad():
        torch.testing.assert_close(body.eval()(images), map_of(source, images))


def small_vit() -> nn.Module:
    return torchvision.models.VisionTransformer(32, 8, 2, 4, 64, 128)


def test_a_small_transformer_of_torchvision(tmp_path: Path) -> None:
    torch.manual_seed(1)
    source = small_vit().eval()
    nn.init.normal_(source.class_token)
    body = timm.create_model(
        "vit_tiny_patch16_224", img_size=32, patch_size=8, depth=2, embed_dim=64, num_heads=4,
        mlp_ratio=2, num_classes=0,
    ).eval()  # fmt: skip
    save_file(source.state_dict(), tmp_path / "w.safetensors")
    load_body_weights(body, tmp_path / "w.safetensors")
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        tokens = torch.cat([source.class_token.expand(2, -1, -1), source._process_input(images)], 1)
        torch.testing.assert_close(body.forward_features(images), source.encoder(tokens))


@pytest.mark.parametrize(("given", "own"), [(1, 3), (3, 1)])
def test_the_first_layer_fits_one_channel_and_three(given: int, own: int, tmp_path: Path) -> None:
    """A grey image gives the same features, whether it has one channel or three equal ones."""
    torch.manual_seed(1)
    source, body = timms("test_resnet", 32, given).eval(), timms("test_resnet", 32, own).eval()
    save_file(source.net.state_dict(), tmp_path / "w.safetensors")
    load_body_weights(body.net, tmp_path / "w.safetensors")
    grey = torch.randn(1, 1, 32, 32)
    with torch.no_grad():
        expected, found = (
            net(grey.expand(-1, channels, -1, -1))
            for net, channels in ((source, given), (body, own))
        )
    torch.testing.assert_close(found, expected)


def test_a_chest_network_of_one_channel_as_torchxrayvision_has_it(tmp_path: Path) -> None:
    """Its DenseNet-121 is torchvision's with one channel, 18 findings and their thresholds."""
    source = torchvisions("densenet121")
    source.features.conv0 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    source.classifier = nn.Linear(1024, 18)
    state = {**source.state_dict(), "op_threshs": torch.rand(18)}
    torch.save(state, tmp_path / "w.pt")
    for channels in (1, 3):
        body = timms("densenet121", 64, channels).eval()
        load_body_weights(body.net, tmp_path / "w.pt")
        grey = torch.randn(1, 1, 64, 64)
        with torch.no_grad():
            found = body(grey.expand(-1, channels, -1, -1))
            torch.testing.assert_close(found, source.features(grey).relu(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("size", [64, 96])
def test_a_masked_autoencoder_as_retfound_is_saved(size: int, tmp_path: Path) -> None:
    """Its file holds the encoder, what only paints missing patches, and the settings."""
    torch.manual_seed(1)
    source, body = timms("test_vit", 64), timms("test_vit", size)
    extra = {
        "mask_token": torch.zeros(1, 1, 32),
        "decoder_pos_embed": torch.zeros(1, 17, 32),
        "decoder_embed.weight": torch.zeros(32, 64),
        "decoder_blocks.0.norm1.weight": torch.zeros(32),
        "decoder_pred.bias": torch.zeros(768),
    }
    content = {
        "model": {**source.net.state_dict(), **extra},
        "optimizer": {"state": {}, "param_groups": []},
        "epoch": 799,
        "args": argparse.Namespace(model="mae_vit_large_patch16", lr=1e-3),
    }
    torch.save(content, tmp_path / "w.pth")
    load_body_weights(body.net, tmp_path / "w.pth")
    own, given = body.net.state_dict(), source.net.state_dict()
    same = {name for name in own if torch.equal(own[name], given[name])} if size == 64 else set()
    assert size != 64 or same == set(own)
    assert torch.equal(own["blocks.1.mlp.fc2.weight"], given["blocks.1.mlp.fc2.weight"])
    assert own["pos_embed"].abs().sum() > 0


def test_what_fits_nowhere_is_still_refused(tmp_path: Path) -> None:
    save_file(small_vit().state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="was it made for another --arch"):
        load_body_weights(timms("test_resnet", 32).net, tmp_path / "w.safetensors")

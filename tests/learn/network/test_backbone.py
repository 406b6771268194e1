import pytest
import timm
import torch
from conftest import tiny_task
from torch import nn

from fastmed.errors import ModelError
from fastmed.learn.network.backbone import make_backbone, normalization_of
from fastmed.learn.network.groups import layer_groups
from fastmed.learn.network.head import Pool, make_head
from fastmed.settings.head import HeadSettings
from fastmed.taskfile import find_task

# One of each family: convolutions, tokens with and without a class token, channels-last maps;
# at sizes that are, and are not, what the network was made for.
FAMILIES = [
    ("test_resnet", 40),
    ("test_efficientnet", 33),
    ("test_convnext", 64),
    ("test_vit", 50),
    ("vit_tiny_patch16_224", 100),
    ("deit_tiny_distilled_patch16_224", 64),
    ("cait_xxs24_224", 50),
    ("swin_tiny_patch4_window7_224", 90),
    ("swinv2_cr_tiny_ns_224", 64),
    ("mambaout_femto", 64),
    ("levit_128s", 100),
    ("maxvit_rmlp_pico_rw_256", 70),
    ("mixer_s32_224", 64),
]


@pytest.mark.parametrize(("arch", "size"), FAMILIES)
def test_every_family_gives_a_map_and_learns(arch: str, size: int) -> None:
    task = tiny_task("lungs", train__arch=arch, image__size=size)
    body = make_backbone(task, download=False)
    model = nn.Sequential(body, make_head(body.features, task.head, task.outputs))
    images = torch.randn(2, 3, size, size)
    features = body(images)
    assert features.shape[:2] == (2, body.features)
    assert features.ndim == 4
    assert features.shape[2] == features.shape[3]
    model(images).square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    first = next(p for p in body.parameters() if p.ndim == 4)
    assert first.grad.abs().sum() > 0


@pytest.mark.parametrize("arch", ["test_resnet", "test_vit", "swin_tiny_patch4_window7_224"])
def test_map_follows_the_image(arch: str) -> None:
    """A change in one corner of the image changes that corner of the map most."""
    task = tiny_task("lungs", train__arch=arch, image__size=128)
    body = make_backbone(task, download=False).eval()
    image = torch.zeros(1, 3, 128, 128)
    changed = image.clone()
    changed[:, :, :32, 96:] = 3.0
    with torch.no_grad():
        change = (body(changed) - body(image)).abs().sum(1)[0]
    half = change.shape[0] // 2
    corners = {
        (top, left): float(change[rows, columns].sum())
        for top, rows in (("top", slice(None, half)), ("bottom", slice(half, None)))
        for left, columns in (("left", slice(None, half)), ("right", slice(half, None)))
    }
    assert max(corners, key=corners.get) == ("top", "right")


def test_residual_branches_of_a_random_network_are_open() -> None:
    task = tiny_task("lungs", train__arch="resnet18")
    last = [block.bn2.weight for block in timm.create_model("resnet18").layer1]
    assert all(not weight.any() for weight in last), "timm starts them at zero"
    net = make_backbone(task, download=False).net
    assert all((block.bn2.weight == 1).all() for block in net.layer1)


def test_the_cardiomegaly_head_has_its_397058_parameters() -> None:
    head = make_head(1536, find_task("cardiomegaly").head, outputs=2)
    kinds = [type(layer).__name__ for layer in head]
    assert kinds == ["Pool", "BatchNorm1d", "Linear", "ReLU", "Dropout", "Linear"]
    assert sum(p.numel() for p in head.parameters()) == 397_058


def test_the_retinopathy_head_is_one_neuron() -> None:
    head = make_head(1280, find_task("retinopathy").head, outputs=1)
    assert [type(layer).__name__ for layer in head] == ["Pool", "Linear"]
    assert sum(p.numel() for p in head.parameters()) == 1281


def test_dropout_stands_between_hidden_layers_too() -> None:
    head = make_head(8, HeadSettings(hidden=(4, 4), pooled_dropout=0, batch_norm="none"), outputs=2)
    kinds = [type(layer).__name__ for layer in head]
    assert kinds == ["Pool", *["Linear", "ReLU", "Dropout"] * 2, "Linear"]


def test_pools() -> None:
    features = torch.arange(8.0).reshape(1, 2, 2, 2)
    assert Pool("avg")(features).tolist() == [[1.5, 5.5]]
    assert Pool("max")(features).tolist() == [[3.0, 7.0]]
    assert Pool("concat")(features).tolist() == [[3.0, 7.0, 1.5, 5.5]]


@pytest.mark.parametrize("arch", ["test_resnet", "test_vit", "test_efficientnet"])
def test_groups_hold_each_parameter_once_from_input_to_head(arch: str) -> None:
    task = tiny_task("lungs", train__arch=arch)
    body = make_backbone(task, download=False)
    model = nn.Sequential(body, make_head(body.features, task.head, 3))
    early, late, head = layer_groups(model)
    ids = [id(p) for group in (early, late, head) for p in group]
    assert sorted(ids) == sorted(id(p) for p in model.parameters())
    assert early
    assert late
    assert id(next(body.parameters())) in {id(p) for p in early}
    assert {id(p) for p in head} == {id(p) for p in model[1].parameters()}


def test_size_that_a_network_cannot_take_is_one_sentence() -> None:
    task = tiny_task("lungs", train__arch="inception_v3", image__size=32)
    with pytest.raises(ModelError, match="'inception_v3' does not work at 32 pixels"):
        make_backbone(task, download=False)


def test_normalization_is_the_backbones_own() -> None:
    assert normalization_of("resnet18")[0] == (0.485, 0.456, 0.406)
    assert normalization_of("vit_base_patch16_224.augreg_in21k")[0] == (0.5, 0.5, 0.5)

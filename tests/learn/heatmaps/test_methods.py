"""Heat maps point at what a network looks for, and are what their papers say."""

import pandas as pd
import pytest
import torch
from squares import SIZE, SQUARE, by_hand, images, trained, untrained
from torch import Tensor
from torch.nn import functional

from fastmed.data.metadata import MetadataEncoder
from fastmed.learn.heatmaps.aim import Aim
from fastmed.learn.heatmaps.methods import METHODS, heat_of
from fastmed.learn.network.fusion import FusionNet
from fastmed.results.maps.pointing import hottest_place
from fastmed.settings.heatmaps import METHOD_NAMES

FAMILIES = [
    ("test_resnet", 64),
    ("test_vit", 50),  # padded
    ("test_convnext", 64),
    ("mambaout_femto", 64),  # channels last
    ("lungs_cnn", 64),
    pytest.param("swin_tiny_patch4_window7_224", 90, marks=pytest.mark.slow),  # both
]
# The mean over a transformer's gradients loses the place, as the how-to says.
LEARNT = [
    (arch, method)
    for arch in ("test_resnet", "test_vit")
    for method in METHODS
    if (arch, method) != ("test_vit", "gradcam")
]


def zeros(count: int) -> Tensor:
    return torch.zeros(count, dtype=torch.int64)


def share_in_square(heat: Tensor) -> float:
    inside = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    inside[SQUARE] = True
    return float(heat[:, inside].sum() / heat.sum())


def by_definition(aim: Aim, given: Tensor, columns: Tensor, *metadata: Tensor) -> dict[str, Tensor]:
    """Return Grad-CAM and HiResCAM from the map and its gradients, written anew."""
    kept: list[Tensor] = []

    def keep(_body: object, _images: object, features: Tensor) -> None:
        features.retain_grad()
        kept.append(features)

    hook = aim.body.register_forward_hook(keep)
    aim(given, *metadata).gather(1, columns[:, None]).sum().backward()
    hook.remove()
    (features,) = kept
    side, padding = given.shape[-1], aim.body.padding
    found = {
        "gradcam": (features * features.grad.mean((2, 3), keepdim=True)).sum(1),
        "hirescam": (features * features.grad).sum(1),
    }
    start = padding // 2
    for name, small in found.items():
        full = functional.interpolate(
            small.clamp(min=0)[:, None], size=(side + padding, side + padding), mode="bilinear"
        )[:, 0, start : start + side, start : start + side]
        found[name] = (full / full.amax((1, 2), keepdim=True).clamp(min=1e-30)).detach()
    return found


def test_names_are_the_registry() -> None:
    assert tuple(METHODS) == METHOD_NAMES


@pytest.mark.parametrize(
    ("method", "whole"),
    [(method, False) for method in METHODS] + [("occlusion", True), ("integrated_gradients", True)],
)
def test_a_network_that_looks_for_brightness_points_at_it(method: str, whole: bool) -> None:
    heat = heat_of(METHODS[method], by_hand(whole), images(3), (), zeros(3))
    assert heat.shape == (3, SIZE, SIZE)
    assert heat.amax((1, 2)).tolist() == [1, 1, 1]
    assert share_in_square(heat) > (0.5 if method in ("gradcam", "hirescam") else 0.7)
    for one in heat.numpy():
        row, column = hottest_place(one)
        assert SQUARE[0].start <= row <= SQUARE[0].stop
        assert SQUARE[1].start <= column <= SQUARE[1].stop


@pytest.mark.parametrize("method", METHODS)
def test_a_class_that_nothing_speaks_for_has_an_empty_map(method: str) -> None:
    """Class 1 is darkness, of which there is none."""
    heat = heat_of(METHODS[method], by_hand(), torch.ones(2, 3, SIZE, SIZE), (), zeros(2) + 1)
    assert not heat.any()


@pytest.mark.parametrize(("arch", "method"), LEARNT)
def test_a_trained_network_points_at_what_it_has_learnt(arch: str, method: str, nets: dict) -> None:
    heat = heat_of(METHODS[method], nets[arch], images(1, seed=99), (), zeros(1)).mean(0)
    half = SIZE // 2
    quarters = {
        (down, across): float(heat[rows, columns].mean())
        for down, rows in enumerate((slice(None, half), slice(half, None)))
        for across, columns in enumerate((slice(None, half), slice(half, None)))
    }
    assert max(quarters, key=quarters.get) == (1, 0)


@pytest.fixture(scope="module")
def nets() -> dict[str, Aim]:
    return {arch: trained(arch) for arch in ("test_resnet", "test_vit")}


@pytest.mark.parametrize(("arch", "size"), FAMILIES)
def test_maps_of_every_family_are_as_defined(arch: str, size: int) -> None:
    aim = untrained(arch, size)
    given, columns = torch.randn(3, 3, size, size), torch.tensor([0, 1, 1])
    expected = by_definition(aim, given, columns)
    for name, right in expected.items():
        torch.testing.assert_close(
            heat_of(METHODS[name], aim, given, (), columns), right, atol=1e-5, rtol=1e-5
        )


@pytest.mark.parametrize("method", METHODS)
def test_metadata_takes_part(method: str) -> None:
    """Behind a hidden layer, what is known beside the image changes which places matter."""
    plain = untrained("test_resnet", head__hidden=[8])
    ages = pd.DataFrame({"meta_age": ["20", "50", "80"]})
    encoder = MetadataEncoder.fit(ages, ["age"])
    torch.manual_seed(0)
    net = FusionNet(plain.model, encoder)
    torch.nn.init.normal_(net.join.weight)
    aim, given, columns = Aim(net, plain.task).eval(), images(3), torch.tensor([0, 1, 0])
    metadata = torch.tensor(encoder.encode(ages))
    found = heat_of(METHODS[method], aim, given, (metadata,), columns)
    other = heat_of(METHODS[method], aim, given, (metadata.flip(0),), columns)
    assert not torch.allclose(found, other)
    if method in ("gradcam", "hirescam"):
        right = by_definition(aim, given, columns, metadata)[method]
        torch.testing.assert_close(found, right, atol=1e-5, rtol=1e-5)


def test_one_channel() -> None:
    aim = untrained("test_resnet", image__channels=1)
    for method in METHODS.values():
        assert heat_of(method, aim, images(2)[:, :1], (), zeros(2)).shape == (2, SIZE, SIZE)


@pytest.mark.parametrize("loss", ["smooth_l1", "corn", "coral"])
def test_grades_are_explained_by_what_raises_them(loss: str) -> None:
    aim = untrained("test_resnet", 32, "retinopathy", train__loss=loss)
    given = torch.randn(3, 3, 32, 32)
    assert aim(given).shape == (3, 1)
    assert aim(given).max() < 5
    right = by_definition(aim, given, zeros(3))["gradcam"]
    found = heat_of(METHODS["gradcam"], aim, given, (), zeros(3))
    torch.testing.assert_close(found, right, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_network_is_left_as_it_was_and_maps_repeat(method: str) -> None:
    aim = untrained("test_resnet", 32)
    given = torch.randn(2, 3, 32, 32)
    frozen = next(aim.parameters()).requires_grad_(False)
    before = aim(given).detach()
    first = heat_of(METHODS[method], aim, given, (), zeros(2))
    assert torch.equal(first, heat_of(METHODS[method], aim, given, (), zeros(2)))
    assert torch.equal(aim(given), before)
    assert all(weight.requires_grad != (weight is frozen) for weight in aim.parameters())
    assert all(weight.grad is None for weight in aim.parameters())
    assert not any(part._forward_hooks for part in aim.modules())


@pytest.mark.parametrize("method", METHODS)
def test_an_image_has_the_same_map_alone_and_in_a_batch(method: str) -> None:
    aim = untrained("test_resnet", 32)
    given, columns = torch.randn(3, 3, 32, 32), torch.tensor([0, 1, 0])
    together = heat_of(METHODS[method], aim, given, (), columns)
    alone = heat_of(METHODS[method], aim, given[1:2], (), columns[1:2])
    torch.testing.assert_close(together[1:2], alone, atol=1e-4, rtol=1e-3)

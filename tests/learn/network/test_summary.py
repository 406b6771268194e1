"""What is said of a network, against torchvision's published figures and numbers by hand."""

import json

import pytest
import torchvision
from conftest import tiny_task

from fastmed.errors import FastmedError
from fastmed.learn.network.summary import describe_network
from fastmed.taskfile import find_task

PUBLISHED = {"resnet18": "ResNet18_Weights", "mobilenet_v2": "MobileNet_V2_Weights"}
LARGE = {"densenet121": "DenseNet121_Weights", "vit_b_16": "ViT_B_16_Weights"}
CLASSES = 1000


@pytest.mark.parametrize(
    "name", [*PUBLISHED, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)]
)
def test_multiply_adds_and_parameters_are_as_published(name: str) -> None:
    """Those of the last layer, which fastmed leaves out, are added again."""
    meta = getattr(torchvision.models, {**PUBLISHED, **LARGE}[name]).IMAGENET1K_V1.meta
    found = describe_network(name)
    width = (meta["num_params"] - found.parameters - CLASSES) / CLASSES
    assert width == int(width)
    assert (found.multiply_adds + width * CLASSES) / 1e9 == pytest.approx(meta["_ops"], abs=6e-4)


def test_rows_hold_each_parameter_and_multiply_add_once() -> None:
    for arch in ("test_resnet", "test_vit", "lungs_cnn", "test_efficientnet"):
        for depth in (1, 2, 9):
            found = describe_network(arch, size=64, depth=depth)
            assert found.layers["parameters"].sum() == found.parameters
            assert found.layers["multiply_adds"].sum() == found.multiply_adds
            assert sum(found.groups.values()) == found.parameters


def test_layers_of_the_simple_network_by_hand() -> None:
    found = describe_network("lungs_cnn", size=32, channels=1, depth=2)
    rows = found.layers.set_index("layer")
    assert list(rows.index) == ["stages.0", "stages.1", "stages.2", "stages.3"]
    assert rows["output"].tolist() == ["32x16x16", "64x8x8", "128x4x4", "256x2x2"]
    assert rows["multiply_adds"].tolist() == [
        9 * 1 * 32 * 32**2, 9 * 32 * 64 * 16**2, 9 * 64 * 128 * 8**2, 9 * 128 * 256 * 4**2,
    ]  # fmt: skip
    assert rows["parameters"].iloc[0] == 9 * 32 + 2 * 32
    assert rows["group"].tolist() == ["early", "early", "late", "late"]
    assert found.pretrained is None


def test_a_task_adds_its_head() -> None:
    found = describe_network("test_resnet", task=find_task("cardiomegaly"), size=64)
    heads = found.layers[found.layers["layer"].str.startswith("head.")]
    assert heads["kind"].tolist()[-1] == "Linear"
    assert heads["output"].tolist()[-1] == "2"
    assert found.groups["head"] == heads["parameters"].sum() > 0
    assert describe_network("test_resnet", size=64).groups["head"] == 0
    b3 = describe_network("efficientnet_b3", task=find_task("cardiomegaly"), size=64)
    assert b3.groups["head"] == 397_058


def test_weights_and_pixels() -> None:
    found = describe_network("efficientnet_lite1", size=64)
    assert found.pretrained == "timm's tf_efficientnet_lite1"
    assert describe_network("test_resnet", size=64).mean == (0.5, 0.5, 0.5)


def test_json_is_plain() -> None:
    found = describe_network("test_resnet", size=64, task=tiny_task("lungs"))
    content = json.loads(json.dumps(found.to_json()))
    assert content["parameters"] == sum(row["parameters"] for row in content["layers"])


def test_what_can_not_be_described() -> None:
    cases = {
        "name a network, or a task": {},
        "looks at no image": {"task": tiny_task("pneumonia", meta=["age"], train__arch="metadata")},
        "no backbone 'resnt50'; did you mean 'resnet50'": {"arch": "resnt50"},
        "image.size": {"arch": "resnet18", "size": 1},
    }
    for sentence, given in cases.items():
        with pytest.raises(FastmedError, match=sentence):
            describe_network(**given)

"""Networks of images and metadata, and of metadata alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import tiny_task
from fastai.learner import Learner
from fastai.torch_core import set_seed
from PIL import Image

from fastmed.data.items import read_items
from fastmed.data.metadata import MetadataEncoder
from fastmed.data.tables import part
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.input.statistics import measure
from fastmed.learn.learner import learner
from fastmed.learn.network.fusion import HIDE, FusionNet, MetadataBranch, MetadataNet
from fastmed.learn.network.groups import backbone_of, layer_groups
from fastmed.prediction.networks import network_outputs
from fastmed.task import Task

ITEMS = pd.DataFrame({"meta_age": [40.0, 60.0], "meta_sex": ["F", "M"]})
ENCODER = MetadataEncoder.fit(ITEMS, ["age", "sex"])
META = ("age", "sex")


def quiet_learner(task: Task, root: Path) -> tuple[Learner, pd.DataFrame]:
    items = read_items(task, root)
    set_seed(0)
    learn = learner(task, dataloaders(task, items, device="cpu", workers=0))
    learn.remove_cb(learn.progress)
    learn.logger = lambda row: None
    return learn, items


ONE_LAYER = {"hidden": [], "pool": "avg", "dropout": 0.0, "batch_norm": "none"}
TWO_HIDDEN = {"hidden": [16, 8], "pool": "max", "dropout": 0.2}
NETWORKS = {
    "convolutions, one layer": {"train__arch": "test_resnet", "head": ONE_LAYER},
    "tokens, hidden layers": {
        "train__arch": "test_vit", "image__size": 48, "head": TWO_HIDDEN,
    },
    "channels last": {"train__arch": "test_mambaout"},
}  # fmt: skip


@pytest.mark.parametrize("network", NETWORKS)
def test_any_backbone_and_head_starts_as_its_image_network(network: str, phantoms: dict) -> None:
    """The metadata's weights start at zero: until they learn, only the image counts."""
    changes = NETWORKS[network]
    image, _ = quiet_learner(tiny_task("pneumonia", **changes), phantoms["pneumonia"])
    both, _ = quiet_learner(tiny_task("pneumonia", meta=META, **changes), phantoms["pneumonia"])
    net = both.model
    assert isinstance(net, FusionNet)
    net.image.load_state_dict(image.model.state_dict())
    images, metadata, _ = both.dls.valid.one_batch()
    with torch.no_grad():
        assert torch.equal(net.eval()(images, metadata), image.model.eval()(images))
        torch.nn.init.normal_(net.join.weight)
        one, other = net(images, metadata), net(images, metadata.flip(0))
    assert one.shape == (len(images), 3)
    assert (one - other).abs().max() > 1e-4


def test_joining_is_a_linear_layer_over_both_features() -> None:
    """Against one linear layer over concatenated features."""
    torch.manual_seed(0)
    image = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Sequential(torch.nn.Linear(4, 3)))
    net = FusionNet(image, ENCODER).eval()
    torch.nn.init.normal_(net.join.weight)
    images, metadata = torch.randn(2, 1, 2, 2), torch.tensor(ENCODER.encode(ITEMS))
    features = torch.cat([images.flatten(1), net.branch(metadata)], dim=1)
    weight = torch.cat([image[1][0].weight, net.join.weight], dim=1)
    expected = torch.nn.functional.linear(features, weight, image[1][0].bias)
    torch.testing.assert_close(net(images, metadata), expected)


def test_every_weight_is_in_one_group_and_metadata_in_the_heads(phantoms: dict) -> None:
    learn, _ = quiet_learner(tiny_task("pneumonia", meta=META), phantoms["pneumonia"])
    groups = [{id(p) for p in group} for group in layer_groups(learn.model)]
    assert sum(map(len, groups)) == len(list(learn.model.parameters()))
    assert {id(p) for p in learn.model.branch.parameters()} < groups[2]
    assert id(learn.model.join.weight) in groups[2]
    convolution = next(p for p in backbone_of(learn.model).net.parameters() if p.ndim == 4)
    start = convolution.detach().clone()
    learn.freeze()
    learn.fit_one_cycle(1, 1e-2)
    assert torch.equal(convolution, start)
    assert learn.model.join.weight.abs().max() > 0


def test_metadata_is_hidden_in_training_only() -> None:
    torch.manual_seed(0)
    branch = MetadataBranch(ENCODER)
    metadata = torch.tensor(ENCODER.encode(ITEMS)).repeat(5000, 1)
    hidden = branch._with_some_hidden(metadata)
    changed = hidden != metadata
    age, sex = changed[:, :2].any(1), changed[:, 2:].any(1)
    alone = HIDE + (1 - HIDE) * HIDE
    together = HIDE + (1 - HIDE) * HIDE**2
    assert float(age.float().mean()) == pytest.approx(alone, abs=0.02)
    assert float(sex.float().mean()) == pytest.approx(alone, abs=0.02)
    assert float((age & sex).float().mean()) == pytest.approx(together, abs=0.02)
    missing = torch.tensor(ENCODER.missing)
    assert torch.equal(hidden[age & sex], missing.expand(int((age & sex).sum()), -1))
    assert torch.equal(hidden[age & ~sex][:, 2:], metadata[age & ~sex][:, 2:])
    branch.eval()
    assert torch.equal(branch(metadata), branch.layers(metadata))


def test_metadata_alone_looks_at_no_image() -> None:
    torch.manual_seed(0)
    settings = tiny_task("pneumonia", head={"hidden": [7]}).head
    net = MetadataNet(ENCODER, settings, 3).eval()
    metadata = torch.tensor(ENCODER.encode(ITEMS))
    one, other = (net(torch.randn(2, 3, 8, 8), metadata) for _ in range(2))
    assert torch.equal(one, other)
    assert not torch.equal(one[0], one[1])
    widths = [layer.out_features for layer in net.head if isinstance(layer, torch.nn.Linear)]
    assert widths == [7, 3]


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise of which only metadata tells: who is old, and who is a young woman or an old man."""
    root = tmp_path_factory.mktemp("noise")
    generator = np.random.default_rng(0)
    rows = ["file,old,either,years,sex"]
    for number in range(120):
        old, man = number // 2 % 2, number % 2
        age = generator.normal(75 if old else 30, 5)
        name = f"{number:03d}.png"
        Image.fromarray(generator.integers(0, 255, (8, 8), dtype=np.uint8)).save(root / name)
        rows.append(f"{name},{old},{int(old == man)},{age:.1f},{'FM'[man]}")
    (root / "t.csv").write_text("\n".join(rows))
    return root


def accuracy_of(
    root: Path, label: str, arch: str, meta: tuple[str, ...], hidden: int = 32
) -> float:
    columns = {"age": "years", "sex": "sex"}
    source = {"kind": "table", "file": "t.csv", "image": "file", "label": label, "meta": columns}
    head = {"hidden": [hidden] if hidden else [], "dropout": 0.0}
    task = tiny_task(
        "lungs", classes=["no", "yes"], source=source, split={"valid": 0.3}, meta=meta,
        train__arch=arch, train__batch=28, image__size=8, head=head,
    )  # fmt: skip
    learn, items = quiet_learner(task, root)
    learn.fit_one_cycle(10 if label == "old" else 16, 3e-2)
    valid = part(items, "valid")
    outputs = network_outputs(learn, task, valid, measure(task, items), workers=0)
    decided = np.array(task.classes)[outputs.argmax(1)]
    return float((decided == valid["target"]).mean())


@pytest.mark.slow
def test_what_only_metadata_tells_is_learnt_beside_the_image(noise: Path) -> None:
    assert accuracy_of(noise, "old", "test_resnet", META) > 0.9
    assert accuracy_of(noise, "old", "test_resnet", ()) < 0.75


def test_metadata_alone_is_combined(noise: Path) -> None:
    """Neither age nor sex alone tells the class: the branch itself has to combine them."""
    assert accuracy_of(noise, "either", "metadata", META, hidden=0) > 0.9
    assert accuracy_of(noise, "either", "metadata", ("age",), hidden=0) < 0.75

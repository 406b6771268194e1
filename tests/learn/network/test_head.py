import pytest
import timm
import torch
from conftest import tiny_task
from fastai.vision.learner import create_head
from torch import nn

from fastmed.learn.network.head import make_head
from fastmed.settings.head import HeadSettings
from fastmed.taskfile import find_task

MAPS = torch.randn(4, 6, 3, 5, generator=torch.Generator().manual_seed(0))


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_head_of_the_cardiomegaly_project_is_exact() -> None:
    """On the 1536 features of EfficientNet-B3: max, BatchNorm, 256, ReLU, dropout, 2."""
    features = timm.create_model("efficientnet_b3", num_classes=0).num_features
    assert features == 1536
    head = make_head(features, find_task("cardiomegaly").head, 2)
    assert parameters(head) == 397_058
    pool, norm, first, relu, dropout, last = head.children()
    assert (pool.kind, norm.num_features, first.out_features) == ("max", 1536, 256)
    assert isinstance(relu, nn.ReLU)
    assert (dropout.p, last.in_features, last.out_features) == (0.5, 256, 2)


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ("avg", MAPS.flatten(2).mean(2)),
        ("max", MAPS.flatten(2).max(2).values),
        ("concat", torch.cat([MAPS.flatten(2).max(2).values, MAPS.flatten(2).mean(2)], 1)),
    ],
)
def test_pooling(pool: str, expected: torch.Tensor) -> None:
    settings = HeadSettings(pool=pool, hidden=[], dropout=0, batch_norm="none")
    pooled, last = make_head(6, settings, 3).children()
    torch.testing.assert_close(pooled(MAPS), expected)
    assert last.in_features == expected.shape[1]


def test_widths_and_dropout() -> None:
    head = make_head(6, HeadSettings(pool="avg", hidden=[8, 4], dropout=0.25), 3)
    widths = [(one.in_features, one.out_features) for one in head if isinstance(one, nn.Linear)]
    assert widths == [(6, 8), (8, 4), (4, 3)]
    assert [one.p for one in head if isinstance(one, nn.Dropout)] == [0.125, 0.25, 0.25]
    plain = make_head(6, HeadSettings(hidden=[], dropout=0.25), 3)
    assert [type(one).__name__ for one in plain] == ["Pool", "BatchNorm1d", "Dropout", "Linear"]


def test_the_default_head_is_fastais() -> None:
    theirs = create_head(6, 3).eval()
    ours = make_head(6, HeadSettings(), 3).eval()
    norms = [one for one in ours if isinstance(one, nn.BatchNorm1d)]
    lines = [one for one in ours if isinstance(one, nn.Linear)]
    their_norms = [one for one in theirs if isinstance(one, nn.BatchNorm1d)]
    their_lines = [one for one in theirs if isinstance(one, nn.Linear)]
    for mine, other in zip(norms, their_norms, strict=True):
        nn.init.normal_(other.weight)
        mine.load_state_dict(other.state_dict())
    for mine, other in zip(lines, their_lines, strict=True):
        mine.weight.data = other.weight.data
        nn.init.zeros_(mine.bias)
    torch.testing.assert_close(ours(MAPS), theirs(MAPS))
    rates = [[one.p for one in head if isinstance(one, nn.Dropout)] for head in (ours, theirs)]
    assert rates[0] == rates[1] == [0.25, 0.5]


def test_dropout_of_what_is_pooled_needs_a_hidden_layer() -> None:
    with pytest.raises(ValueError, match="pooled_dropout has no effect without hidden layers"):
        HeadSettings(hidden=[], pooled_dropout=0.1)


def test_outputs_of_a_task() -> None:
    assert tiny_task("retinopathy", train__loss="corn").outputs == 4
    assert tiny_task("retinopathy", train__loss="huber").outputs == 1
    assert tiny_task("lungs", train__loss="bce").outputs == 3

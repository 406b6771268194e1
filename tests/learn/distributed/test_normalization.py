import pytest
import timm
import torch
from torch import nn

from fastmed.learn.distributed.normalization import normalized_together

NETWORKS = ("test_resnet", "test_efficientnet")  # plain BatchNorm, and one with an activation in it


def network_of(name: str) -> nn.Module:
    return timm.create_model(name, num_classes=2).eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_sees_all_processes_and_computes_the_same(name: str) -> None:
    network, images = network_of(name), torch.rand(2, 3, 64, 64)
    before, names = network(images), list(network.state_dict())
    own = [one for one in network.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm)]
    with normalized_together(network, on_gpus=True):
        found = [one for one in network.modules() if isinstance(one, nn.SyncBatchNorm)]
        assert len(found) == len(own) > 0
        assert list(network.state_dict()) == names
        torch.testing.assert_close(network(images), before)


def test_pytorchs_own_conversion_loses_activations() -> None:
    """Why timm's is taken."""
    network, images = network_of("test_efficientnet"), torch.rand(2, 3, 64, 64)
    before = network(images)
    assert not torch.allclose(nn.SyncBatchNorm.convert_sync_batchnorm(network)(images), before)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_layers_come_back_with_what_was_learnt(name: str) -> None:
    network = network_of(name)
    own = dict(network.named_modules())
    with normalized_together(network, on_gpus=True):
        network.train()
        for one in network.modules():
            if isinstance(one, nn.SyncBatchNorm):
                one.running_mean.fill_(3)
                one.weight.data.fill_(5)
    assert dict(network.named_modules()) == own
    for one in network.modules():
        assert one.training
        if isinstance(one, nn.BatchNorm2d):
            assert (one.running_mean == 3).all()
            assert (one.weight == 5).all()


def test_on_cpus_nothing_is_exchanged() -> None:
    network = network_of("test_resnet")
    with normalized_together(network, on_gpus=False):
        assert not any(isinstance(one, nn.SyncBatchNorm) for one in network.modules())

"""Maps that depend on the weights are told from maps of edges."""

import numpy as np
import pytest
import torch
from squares import images, trained, untrained
from torch import Tensor

from fastmed.explaining.sanity import sanity_check
from fastmed.learn.heatmaps.aim import Aim
from fastmed.learn.heatmaps.maps import Batch
from fastmed.learn.heatmaps.methods import gradcam
from fastmed.learn.heatmaps.sanity import STEPS, cascade
from fastmed.results.maps.likeness import verdict


def batches(count: int = 4) -> list[Batch]:
    return [Batch(images(count), (), torch.zeros(count, dtype=torch.int64))]


def edges(aim: Aim, given: Tensor, metadata: tuple, columns: Tensor) -> Tensor:
    """Return a map that looks good and knows nothing of the network."""
    grey = given.mean(1)
    return torch.nn.functional.pad((grey[:, 1:] - grey[:, :-1]).abs(), (0, 0, 0, 1))


def empty(aim: Aim, given: Tensor, metadata: tuple, columns: Tensor) -> Tensor:
    return torch.zeros_like(given[:, 0])


def test_gradcam_depends_on_the_weights_and_edges_do_not() -> None:
    aim = trained("test_resnet", steps=15)
    last = sanity_check(aim, batches(), gradcam)[-1]
    assert last["lost"] == 1
    assert verdict(last["rank_correlation"]) == "depends on the weights"
    steps = sanity_check(aim, batches(), edges)
    assert [step["rank_correlation"] for step in steps] == pytest.approx([1] * len(steps))
    assert [step["ssim"] for step in steps] == pytest.approx([1] * len(steps))
    assert verdict(steps[-1]["rank_correlation"]) == "does not depend on the weights"


def test_empty_maps_say_nothing() -> None:
    last = sanity_check(untrained("test_resnet"), batches(1), empty)[-1]
    assert last == {"lost": 1.0, "empty": 1.0, "rank_correlation": None, "ssim": None}
    assert "can't be judged" in verdict(None)


@pytest.mark.parametrize("arch", ["test_resnet", "test_vit"])
def test_weights_are_lost_from_the_head_on(arch: str) -> None:
    aim = untrained(arch)
    before = {name: value.clone() for name, value in aim.state_dict().items()}
    learnt = [name for name, _ in aim.named_parameters()]
    lost_before: set[str] = set()
    shares = []
    for share, copied in cascade(aim, batches()):
        weights = dict(copied.named_parameters())
        wide = [name for name in learnt if before[name].ndim > 1]
        lost = {name for name in wide if not torch.equal(weights[name], before[name])}
        assert lost > lost_before
        if not lost_before:
            assert all(name.startswith("model.1.") for name in lost)
        for name in lost:
            scale = before[name].square().mean().sqrt().item()
            assert weights[name].square().mean().sqrt().item() == pytest.approx(scale, rel=0.25)
        lost_before = lost
        shares.append(share)
    assert lost_before == set(wide)
    assert shares == sorted(shares)
    assert len(shares) == STEPS
    for name, value in aim.state_dict().items():
        assert torch.equal(value, before[name]), "the network itself stays"


def test_signals_stay_alive_and_draws_repeat() -> None:
    aim = untrained("test_resnet")
    given = images(4)
    outputs = [[copied(given).detach().numpy() for _, copied in cascade(aim, batches())][-1]
               for _ in range(2)]  # fmt: skip
    np.testing.assert_array_equal(*outputs)
    assert np.ptp(outputs[0]) > 0.01

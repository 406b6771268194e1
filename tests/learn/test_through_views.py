from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import tiny_task
from torch import nn

from fastmed.learn.input.statistics import Statistics
from fastmed.learn.through_views import Seer, as_batch
from fastmed.task import Task

STATISTICS = Statistics((0.5, 0.4, 0.3), (0.2, 0.2, 0.1))


class Whole(nn.Module):
    """Tells the mean of the first channel, and keeps what it saw."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, outputs, 3)
        self.saw: list[torch.Tensor] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.saw.append(images)
        return self.layer(images).mean((2, 3))


def seer_of(task: Task, views: list[str], average: str | None = None) -> Seer:
    torch.manual_seed(0)
    learn = SimpleNamespace(model=Whole(task.outputs), dls=SimpleNamespace(device="cpu"))
    return Seer(learn, task, STATISTICS, views, average)


@pytest.fixture
def pixels() -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    grey = generator.integers(0, 256, (32, 32), dtype=np.uint8)
    return [grey, generator.integers(0, 256, (32, 32, 3), dtype=np.uint8), grey.T.copy()]


def test_light_changes_pixels_before_they_are_normalised(pixels: list[np.ndarray]):
    seer = seer_of(tiny_task("lungs"), ["brightness=2", "rotate=45"])
    seer.see(pixels[1:2])
    bright, turned = seer.model.saw
    values = torch.from_numpy(pixels[1] / 255).float().permute(2, 0, 1)
    mean, std = (torch.tensor(n)[:, None, None] for n in (STATISTICS.mean, STATISTICS.std))
    torch.testing.assert_close(bright[0], ((values * 2).clamp(max=1) - mean) / std)
    torch.testing.assert_close(turned[0, :, 0, 0], (-mean / std).flatten())  # a corner is black


def test_the_mean_is_of_probabilities_or_of_logits(pixels: list[np.ndarray]):
    task, views = tiny_task("lungs"), ["plain", "gamma=0.3", "vflip"]
    found, logits = seer_of(task, views).see(pixels), seer_of(task, views, "logits").see(pixels)
    np.testing.assert_array_equal(found.each, logits.each)
    assert found.each.shape == (3, 3, len(task.classes))
    np.testing.assert_allclose(found.mean, found.each.mean(0), atol=1e-7)
    geometric = np.exp(np.log(found.each).mean(0))
    np.testing.assert_allclose(logits.mean, geometric / geometric.sum(1, keepdims=True), atol=1e-6)
    assert np.abs(found.mean - logits.mean).max() > 1e-6


def test_values_of_grades_are_averaged(pixels: list[np.ndarray]):
    found = seer_of(tiny_task("retinopathy"), ["plain", "gamma=0.3"]).see(pixels)
    assert (found.mean.shape, found.each.shape) == ((3,), (2, 3))
    np.testing.assert_allclose(found.mean, found.each.mean(0), atol=1e-6)


def test_images_are_looked_at_normalised_and_as_they_are(pixels: list[np.ndarray]):
    shown: list[torch.Tensor] = []
    seer = seer_of(tiny_task("lungs"), ["hflip"])
    seer.see(pixels, look=shown.append)
    torch.testing.assert_close(shown[0].flip(-1), seer.model.saw[0])


def test_grey_images_are_in_each_channel(pixels: list[np.ndarray]):
    batch = as_batch(pixels)
    assert batch.shape == (3, 3, 32, 32)
    assert all(np.array_equal(batch[0, c].numpy(), pixels[0]) for c in range(3))
    assert as_batch(pixels[::2]).shape == (2, 1, 32, 32)
    seer = seer_of(tiny_task("lungs"), ["plain", "vflip"])
    seer.see(pixels)
    together, grey = [one[::2] for one in seer.model.saw[:2]], seer.model.saw
    grey.clear()
    seer.see(pixels[::2])
    for one, other in zip(together, grey, strict=True):
        torch.testing.assert_close(one, other)


def test_weights_are_laid_out_for_the_processor_only_while_at_work(pixels: list[np.ndarray]):
    seer = seer_of(tiny_task("lungs"), ["plain"])
    weight = seer.model.layer.weight
    before = seer.see(pixels).mean
    with seer.at_work():
        assert not weight.is_contiguous()
        np.testing.assert_allclose(seer.see(pixels).mean, before, atol=1e-6)
    assert weight.is_contiguous()
    seer.model.to(memory_format=torch.channels_last)
    with seer.at_work():
        pass
    assert not weight.is_contiguous()


def test_few_large_images_are_seen_at_a_time_and_no_more_than_a_batch():
    assert seer_of(tiny_task("lungs", image__size=224, train__batch=64), ["plain"]).batch == 8
    assert seer_of(tiny_task("lungs", image__size=1024, train__batch=64), ["plain"]).batch == 1
    assert seer_of(tiny_task("lungs", image__size=32, train__batch=4), ["plain"]).batch == 4


def test_nothing_has_the_shape_of_something():
    for name, shape in (("lungs", (2, 0, 3)), ("retinopathy", (2, 0))):
        nothing = seer_of(tiny_task(name), ["plain", "hflip"]).nothing()
        assert nothing.each.shape == shape
        assert nothing.mean.shape == shape[1:]

import pandas as pd
import pytest
import torch
from conftest import tiny_task
from squares import by_hand
from torch import nn

from fastmed.errors import ModelError, TaskError
from fastmed.learn.heatmaps.aim import aim_at, columns_of, name_of, places_of_map
from fastmed.learn.network.own_network import OwnBackbone

CATEGORY, GRADE = tiny_task("lungs"), tiny_task("retinopathy")


def predicted(*names: str) -> pd.DataFrame:
    return pd.DataFrame({"predicted": names})


def test_predicted_class_is_explained_or_the_one_that_is_named() -> None:
    assert columns_of(CATEGORY, predicted("other", "healthy")).tolist() == [2, 0]
    assert columns_of(CATEGORY, predicted("other", "healthy"), "COVID").tolist() == [1, 1]
    assert columns_of(GRADE, predicted("No DR", "Mild")).tolist() == [0, 0]
    assert name_of(CATEGORY, 1) == "COVID"
    assert name_of(GRADE, 0) == "value"
    assert name_of(tiny_task("retinopathy", train__loss="corn"), 0) == "expected grade"


def test_a_class_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(TaskError, match="no class 'helthy'; did you mean 'healthy'"):
        columns_of(CATEGORY, predicted("other"), "helthy")
    with pytest.raises(TaskError, match="can't be explained by itself: .* leave out --class"):
        columns_of(GRADE, predicted("Mild"), "Mild")


def test_a_method_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(TaskError, match="no method of heat maps 'grad-cam'; did you mean 'gradcam"):
        aim_at(nn.Identity(), CATEGORY, "grad-cam")


@pytest.mark.parametrize("method", ["gradcam", "hirescam"])
def test_a_whole_network_has_no_map(method: str) -> None:
    aim = by_hand(whole=True)
    with pytest.raises(ModelError, match="whole network .* 'occlusion', 'integrated_gradients'"):
        aim_at(aim.model, aim.task, method)
    assert aim_at(aim.model, aim.task, "occlusion").body.whole


def test_tokens_that_are_no_grid_are_refused() -> None:
    class Tokens(nn.Conv2d):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            return super().forward(given).flatten(2)[..., None]

    task = tiny_task("lungs", image__size=16)
    model = nn.Sequential(OwnBackbone(Tokens(3, 4, 4, 4), 16, 16))
    with pytest.raises(ModelError, match="no grid, which gradcam needs; what works are 'occlusion"):
        aim_at(model, task, "gradcam")
    aim_at(model, task, "occlusion")


def test_a_network_that_looks_at_no_image_has_no_heat_map() -> None:
    task = tiny_task("pneumonia", train__arch="metadata", meta=["age"])
    with pytest.raises(TaskError, match="metadata alone"):
        aim_at(nn.Identity(), task, "occlusion")


def test_places_are_those_of_the_map() -> None:
    aim = by_hand()
    assert places_of_map(aim, "gradcam") == 8
    assert places_of_map(aim, "occlusion") is None


def test_sureness_is_what_a_reader_is_told() -> None:
    aim = by_hand()
    given = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(aim.sureness(given), aim(given).softmax(1))

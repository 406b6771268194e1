import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fastai.callback.core import Callback
from torch import nn

from fastmed.learn.fitting import snapshot


class Carries(Callback):
    def __init__(self, number: int) -> None:
        self.number = number

    def state(self) -> dict:
        return {"number": self.number}

    def load_state(self, state: dict) -> None:
        self.number = state["number"]


class CarriesToo(Carries):
    pass


def test_every_source_of_randomness_goes_on() -> None:
    loaders = [SimpleNamespace(rng=random.Random(1)), SimpleNamespace(rng=random.Random(2))]

    def draw() -> list:
        own = [loader.rng.random() for loader in loaders]
        return [random.random(), np.random.normal(), torch.rand(3).tolist(), *own]

    np.random.normal()  # the second of a pair is kept by the generator
    states = snapshot._random_states(loaders)
    drawn = draw()
    assert draw() != drawn
    snapshot._set_random_states(loaders, states)
    assert draw() == drawn


def test_no_gradient_and_a_gradient_of_zero_are_two_things() -> None:
    model = nn.ParameterDict({name: torch.ones(2) for name in ("none", "zero", "some")})
    model["zero"].grad = torch.zeros(2)
    model["some"].grad = torch.tensor([0.0, 3.0])
    found = snapshot._gradients(model)
    again = nn.ParameterDict({name: torch.ones(2) for name in ("none", "zero", "some")})
    snapshot._set_gradients(again, found)
    assert again["none"].grad is None
    assert again["zero"].grad.tolist() == [0, 0]
    assert again["some"].grad.tolist() == [0, 3]


def test_callbacks_get_their_own_state_back() -> None:
    states = {
        name: one.state() for name, one in snapshot._named([Carries(1), CarriesToo(2)]).items()
    }
    one, other = Carries(0), CarriesToo(0)
    snapshot.put_states([other, Callback(), one], states)
    assert (one.number, other.number) == (1, 2)


def test_callbacks_that_don_t_match_are_refused() -> None:
    states = {"Carries": {"number": 1}}
    with pytest.raises(ValueError, match="there is no match for CarriesToo"):
        snapshot.put_states([Carries(0), CarriesToo(0)], states)
    with pytest.raises(ValueError, match="there is no match for Carries"):
        snapshot.put_states([], states)
    with pytest.raises(ValueError, match="several callbacks Carries"):
        snapshot.put_states([Carries(0), Carries(1)], states)
    kept = Carries(0)
    snapshot.put_states([kept], {**states, "Other": {}}, all_of_them=False)
    assert kept.number == 1

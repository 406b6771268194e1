import json
import math

import numpy as np
import pytest
import torch
from fastcore.foundation import L
from torch import Tensor

from fastmed.learn.fitting.plain import from_plain, to_plain

CPU = torch.device("cpu")


def there_and_back(content: object) -> object:
    tensors: dict[str, Tensor] = {}
    text = json.dumps(to_plain(content, "it", tensors), allow_nan=False)
    return from_plain(json.loads(text), tensors, CPU)


@pytest.mark.parametrize(
    "content",
    [
        {"lr": 0.1 + 0.2, "betas": (0.9, 0.99), "foreach": None, "nesterov": True, "n": 2**70},
        {0: {"step": 3}, 1: {"step": 4}},
        {"=tensor": "a word of ours as a key", "=tuple": 1},
        [],
        {},
        (),
        [[1.5, (2,)], {"a": [None]}],
        1e-320,
    ],
)
def test_values_come_back_as_they_were(content: object) -> None:
    back = there_and_back(content)
    assert back == content
    assert repr(back) == repr(content)


def test_what_json_has_no_word_for_comes_back() -> None:
    back = there_and_back([math.inf, -math.inf, math.nan, np.float64(0.3), L(1, L(2))])
    assert back[:2] == [math.inf, -math.inf]
    assert math.isnan(back[2])
    assert back[3:] == [0.3, [1, [2]]]


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.int64, torch.uint8])
def test_tensors_come_back_bit_for_bit(kind: torch.dtype) -> None:
    value = (torch.randn(3, 4) * 50).abs().to(kind)
    back = there_and_back({"m": value, "scalar": value[0, 0]})
    assert back["m"].dtype == kind
    assert torch.equal(back["m"], value)
    assert back["scalar"].shape == ()


def test_the_layout_in_memory_comes_back() -> None:
    value = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    back = there_and_back(value)
    assert torch.equal(back, value)
    assert back.stride() == value.stride() != value.contiguous().stride()


def test_tensors_that_share_memory_are_written_apart() -> None:
    value = torch.randn(4)
    tensors: dict[str, Tensor] = {}
    to_plain([value, value[:2], value], "it", tensors)
    assert len({one.data_ptr() for one in tensors.values()}) == 3
    assert sorted(tensors) == ["it.0", "it.1", "it.2"]


def test_what_would_need_code_is_refused() -> None:
    with pytest.raises(TypeError, match=r"it\.a\.0 is a complex, which can't be written"):
        there_and_back({"a": [1j]})

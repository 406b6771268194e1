"""What a file of weights holds: a whole network of timm or torchvision, or a body with a head."""

import re
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fastmed.errors import ModelError, listed
from fastmed.learn.network.remapping import classifiers
from fastmed.settings.head import HeadSettings

StateDict = dict[str, Tensor]

_HEAD = re.compile(r"^1\.(?P<layer>\d+)\.(?P<what>\w+)$")
_OF_METADATA = ("branch.", "join.")


class Head(NamedTuple):
    """A head of linear layers on a body, as fastai and fastmed make them.

    Attributes:
        settings: of fastmed's head that is the same.
        layers: the weights of each layer that has some, in their order.
    """

    settings: HeadSettings
    layers: list[StateDict]

    def fill(self, head: nn.Sequential) -> None:
        """Put the weights into a head that was made by the settings.

        Raises:
            ModelError: a layer has another shape.
        """
        own = [layer for layer in head if list(layer.parameters())]
        for layer, given in zip(own, self.layers, strict=True):
            expected = layer.state_dict()
            zeros = {"bias": torch.zeros_like(expected["bias"])} if "bias" in expected else {}
            whole = {**zeros, **given}
            wrong = [name for name in expected if _shape(whole.get(name)) != _shape(expected[name])]
            wrong = [name for name in wrong if name != "num_batches_tracked"]
            if wrong:
                raise ModelError(
                    f"a layer of its head has {listed(wrong)} of shape "
                    f"{_shape(whole.get(wrong[0]))}, expected {_shape(expected[wrong[0]])}; was it "
                    "made for another --arch, or other classes?"
                )
            layer.load_state_dict({**expected, **whole})


def without_wrapping(state: StateDict) -> StateDict:
    """Return the weights without what wrappers put before all of their names."""
    for prefix in ("module.", "_orig_mod.", "model.", "net.", "network."):
        if state and all(name.startswith(prefix) for name in state):
            return without_wrapping({n.removeprefix(prefix): v for n, v in state.items()})
    return state


def head_of(state: StateDict) -> Head | None:
    """Return the head of a body ``0.`` and a head ``1.``; None where the network is one whole.

    Raises:
        ModelError: there is a head, but none that fastmed can build.
    """
    firsts = {name.partition(".")[0] for name in state}
    if any(name.startswith(_OF_METADATA) for name in state):
        raise ModelError("it also looks at metadata; adopt takes networks of images alone")
    if firsts != {"0", "1"}:
        return None
    layers: dict[int, StateDict] = {}
    for name, value in state.items():
        if found := _HEAD.match(name):
            layers.setdefault(int(found["layer"]), {})[found["what"]] = value
    ordered = [layers[number] for number in sorted(layers)]
    if not ordered:
        raise ModelError("its head has no weights of the names that fastai gives")
    return Head(_settings(ordered), ordered)


def body_of(state: StateDict, arch: str) -> StateDict:
    """Return the weights of the body, under the names of torchvision where fastai numbered them.

    Raises:
        ModelError: fastai's network of this name does something else than timm's.
    """
    body = {name.removeprefix("0."): value for name, value in state.items() if name[0] == "0"}
    for prefix in ("0.net.", "net.", "model."):
        if all(name.startswith(prefix) for name in body):
            return {name.removeprefix(prefix): value for name, value in body.items()}
    if arch.startswith("densenet"):
        raise ModelError(
            "fastai cuts torchvision's DenseNet before its last activation, which timm's has; it "
            "can't be adopted"
        )
    return _of_torchvision(body)


def classifier_of(state: StateDict) -> str:
    """Return the name of the weights of the layer that classifies; empty if none is called so."""
    return next(reversed(classifiers(state)), "")


def with_two_outputs(state: StateDict, name: str) -> StateDict:
    """Return weights whose one logit of two classes is two: none, and the logit.

    The softmax of 0 and z is the sigmoid of z, so the probabilities stay as they are.
    """
    bias = name.removesuffix("weight") + "bias"
    both = {key: state[key] for key in (name, bias) if key in state}
    return {**state, **{key: torch.cat([torch.zeros_like(v), v]) for key, v in both.items()}}


def _settings(layers: list[StateDict]) -> HeadSettings:
    """Return the settings of a head of these layers.

    Raises:
        ModelError: they stand in another order than in fastmed's head.
    """
    kinds = "".join("N" if "running_mean" in one else "L" for one in layers)
    norms = {"all": r"(NL)+", "pooled": r"NL+", "none": r"L+"}
    norm = next((name for name, order in norms.items() if re.fullmatch(order, kinds)), None)
    linear = [one["weight"] for one in layers if "running_mean" not in one]
    if norm is None or any(weight.ndim != 2 for weight in linear):
        raise ModelError(
            f"its head has layers in the order {kinds} (N normalises, L is linear), and fastmed's "
            "heads are linear layers, each normalised before, or only the first, or none"
        )
    hidden = tuple(int(weight.shape[0]) for weight in linear[:-1])
    if norm == "all" and not hidden:
        norm = "pooled"
    return HeadSettings.model_validate({"hidden": hidden, "batch_norm": norm})


def _of_torchvision(body: StateDict) -> StateDict:
    """Return the weights of torchvision's network of which fastai took the first layers.

    fastai numbers the parts of the network: of a ResNet 0 is the first convolution, 4 to 7 are
    its stages; of others 0 is all of their features.
    """
    if {name.partition(".")[0] for name in body} <= {"0"}:
        return {f"features.{name.removeprefix('0.')}": value for name, value in body.items()}
    names = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
    parts = [(name.partition("."), value) for name, value in body.items()]
    return {f"{names.get(first, first)}.{rest}": value for (first, _, rest), value in parts}


def _shape(value: Tensor | None) -> tuple[int, ...] | None:
    return None if value is None else tuple(value.shape)

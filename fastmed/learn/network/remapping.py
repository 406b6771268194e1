"""Weights under the names of other libraries: torchvision's networks, MAE's, one channel or three.

Each rule leads from another library's names to timm's of the same architecture. Which rule is
taken is decided by how many weights then fit, so an unfit rule does no harm. The tests compare the
features that both libraries' networks give with the same weights.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from timm.models.efficientnet import EfficientNet
from torch import Tensor, nn

StateDict = dict[str, Tensor]
Substitution = tuple[str, str | Callable[[re.Match[str]], str]]


def _stage(found: re.Match[str]) -> str:
    """Blocks are at odd places of torchvision's features, what makes the map smaller at even."""
    return f"{int(found[1]) // 2}."


# How torchvision's names turn into timm's; every substitution is made, in this order.
TRANSFORMER: tuple[Substitution, ...] = (
    (r"^class_token$", "cls_token"),
    (r"^conv_proj\.", "patch_embed.proj."),
    (r"^encoder\.pos_embedding$", "pos_embed"),
    (r"^encoder\.layers\.encoder_layer_(\d+)\.", r"blocks.\1."),
    (r"^encoder\.ln\.", "norm."),
    (r"\.ln_([12])\.", r".norm\1."),
    (r"\.self_attention\.in_proj_", ".attn.qkv."),
    (r"\.self_attention\.out_proj\.", ".attn.proj."),
    (r"\.mlp\.(?:0|linear_1)\.", ".mlp.fc1."),
    (r"\.mlp\.(?:3|linear_2)\.", ".mlp.fc2."),
)
SWIN: tuple[Substitution, ...] = (
    (r"^features\.0\.0\.", "patch_embed.proj."),
    (r"^features\.0\.2\.", "patch_embed.norm."),
    (r"^features\.([1357])\.", lambda found: f"layers.{_stage(found)}blocks."),
    (r"^features\.([246])\.", lambda found: f"layers.{_stage(found)}downsample."),
    (r"\.mlp\.0\.", ".mlp.fc1."),
    (r"\.mlp\.3\.", ".mlp.fc2."),
)
CONVNEXT: tuple[Substitution, ...] = (
    (r"^features\.0\.", "stem."),
    (r"^features\.([1357])\.", lambda found: f"stages.{_stage(found)}blocks."),
    (r"^features\.([246])\.", lambda found: f"stages.{_stage(found)}downsample."),
    (r"\.layer_scale$", ".gamma"),
    (r"\.block\.0\.", ".conv_dw."),
    (r"\.block\.2\.", ".norm."),
    (r"\.block\.3\.", ".mlp.fc1."),
    (r"\.block\.5\.", ".mlp.fc2."),
    (r"^classifier\.0\.", "head.norm."),
)
REGNET: tuple[Substitution, ...] = (
    (r"^stem\.0\.", "stem.conv."),
    (r"^stem\.1\.", "stem.bn."),
    (
        r"^trunk_output\.block(\d)\.block\d-(\d+)\.",
        lambda found: f"s{found[1]}.b{int(found[2]) + 1}.",
    ),
    (r"\.f\.se\.", ".se."),
    (r"\.f\.([abc])\.0\.", lambda found: f".conv{'abc'.index(found[1]) + 1}.conv."),
    (r"\.f\.([abc])\.1\.", lambda found: f".conv{'abc'.index(found[1]) + 1}.bn."),
    (r"\.proj\.0\.", ".downsample.conv."),
    (r"\.proj\.1\.", ".downsample.bn."),
)
VGG: tuple[Substitution, ...] = (
    (r"^classifier\.0\.", "pre_logits.fc1."),
    (r"^classifier\.3\.", "pre_logits.fc2."),
)
# How layers that classify are called: timm's, torchvision's, and those of many scripts.
CLASSIFIER = re.compile(
    r"(^|\.)(fc|classifier(\.\d+)?|heads?(\.(head|fc|\d+))?|last_linear|logits)\.weight$"
)
RULES = (TRANSFORMER, SWIN, CONVNEXT, REGNET, VGG)


def renamed(state: StateDict, body: nn.Module) -> StateDict:
    """Return the weights under the body's names, by the rule after which the most of them fit.

    Args:
        state: weights by name.
        body: a network without its classifier.
    """
    expected = {name: value.numel() for name, value in body.state_dict().items()}
    if expected.keys() <= state.keys():
        return without_decoder(state)
    tries = [state, *_tries(_without_common_prefix(state), body)]
    best = max(tries, key=lambda given: _number_that_fit(given, expected))
    own = body.state_dict()
    best = with_classifier(best, state, body)
    return {name: _reshaped(value, own.get(name)) for name, value in best.items()}


def with_classifier(best: StateDict, given: StateDict, body: nn.Module) -> StateDict:
    """Return the weights with the body's classifier, if it has one that is called otherwise.

    Args:
        best: under the body's names, as far as they are known.
        given: as the file has them.
        body: that they are for.
    """
    last = next(reversed(classifiers(body.state_dict())), "")
    theirs = classifiers(given)
    if not last or last in best or not theirs:
        return best
    pairs = {f"{last.removesuffix('weight')}{w}": f"{theirs[-1].removesuffix('weight')}{w}"
             for w in ("weight", "bias")}  # fmt: skip
    return {**best, **{name: given[other] for name, other in pairs.items() if other in given}}


def classifiers(state: StateDict) -> list[str]:
    """Return the names of weights of layers that classify, by what they are called; in order."""
    found = [name for name, value in state.items() if CLASSIFIER.search(name) and value.ndim > 1]
    return sorted(found, key=_numbered)


def _tries(state: StateDict, body: nn.Module) -> Iterator[StateDict]:
    yield without_decoder(state)
    for rule in RULES:
        yield _split_bias({_substituted(name, rule): value for name, value in state.items()})
    if isinstance(body, EfficientNet):
        yield _in_order(state, body)


def _substituted(name: str, rule: Iterable[Substitution]) -> str:
    for pattern, replacement in rule:
        name = re.sub(pattern, replacement, name)
    return name


def _in_order(state: StateDict, body: EfficientNet) -> StateDict:
    """Return torchvision's EfficientNet or MobileNet under timm's names, one after the other.

    Both number their layers in the order in which an image goes through them.
    """
    given = [layer for layer in _layers(state) if layer.startswith("features.")]
    own = [one for one in _layers(body.state_dict()) if not CLASSIFIER.search(f"{one}.weight")]
    if len(given) != len(own):
        return {}
    names = dict(zip(sorted(given, key=_numbered), own, strict=True))
    parts = [(name.rpartition("."), value) for name, value in state.items()]
    return {f"{names[layer]}.{what}": value for (layer, _, what), value in parts if layer in names}


def _layers(state: StateDict) -> list[str]:
    return list(dict.fromkeys(name.rpartition(".")[0] for name in state))


def _numbered(layer: str) -> list[tuple[int, str]]:
    """Return what sorts layers by the numbers in their names."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in layer.split(".")]


def _split_bias(state: StateDict) -> StateDict:
    """Return what Swin V2 adds to queries and values as timm has it: apart, and none to keys."""
    found = dict(state)
    for name in [name for name in state if name.endswith(".attn.qkv.bias")]:
        start = name.removesuffix("qkv.bias")
        if f"{start}logit_scale" in state:
            found[f"{start}q_bias"], _, found[f"{start}v_bias"] = found.pop(name).chunk(3)
    return found


def without_decoder(state: StateDict) -> StateDict:
    """Return a masked autoencoder (arXiv 2111.06377) without what only paints missing patches."""
    if "decoder_embed.weight" not in state:
        return state
    strange = ("decoder_", "mask_token")
    return {name: value for name, value in state.items() if not name.startswith(strange)}


def _without_common_prefix(state: StateDict) -> StateDict:
    """Return the weights without a ``module.`` or the like that all of the names begin with."""
    firsts = {name.partition(".")[0] for name in state}
    if len(firsts) != 1 or firsts == {"features"}:
        return state
    return {name.partition(".")[2]: value for name, value in state.items()}


def _number_that_fit(state: StateDict, expected: dict[str, int]) -> int:
    return sum(value.numel() == expected.get(name) for name, value in state.items())


def _reshaped(value: Tensor, expected: Tensor | None) -> Tensor:
    """Return a weight in the shape that the body has it in, where one has fewer dimensions."""
    if expected is None or value.ndim == expected.ndim or value.numel() != expected.numel():
        return value
    return value.reshape(expected.shape)


def with_channels_of(body: nn.Module, state: StateDict) -> StateDict:
    """Return the weights with a first layer for as many channels as the body sees, one or three.

    One channel is what three equal ones are: the weights are summed. Three channels share what one
    had: a third for each. A grey image gives the same in all these cases.
    """
    first = next((name for name, value in body.named_parameters() if value.ndim == 4), "")
    if first not in state or state[first].ndim != 4:
        return state
    given, channels = state[first], body.get_parameter(first).shape[1]
    match given.shape[1], channels:
        case 3, 1:
            return {**state, first: given.sum(1, keepdim=True)}
        case 1, 3:
            return {**state, first: given.repeat(1, 3, 1, 1) / 3}
    return state

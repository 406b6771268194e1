"""The layers of a network, measured with one image: shapes, parameters, multiply-adds."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Layer:
    """A part of a network.

    Attributes:
        name: its place in the network.
        kind: its class.
        output: the shape of what it gives for one image; None if it was not asked, or gives more
            than one tensor.
        parameters: its own, and those of its parts.
        multiply_adds: of convolutions, linear layers and attention; one counts once.
    """

    name: str
    kind: str
    output: tuple[int, ...] | None
    parameters: tuple[nn.Parameter, ...]
    multiply_adds: int

    @property
    def size(self) -> int:
        """How many numbers the parameters are."""
        return sum(parameter.numel() for parameter in self.parameters)


class Measured:
    """A network that one image went through.

    Attributes:
        multiply_adds: of the whole network.
    """

    def __init__(self, model: nn.Module, images: Tensor) -> None:
        self._shapes: dict[int, tuple[int, ...] | None] = {}
        hooks = [module.register_forward_hook(self._remember) for module in model.modules()]
        # Attention as plain products, which are counted on every machine alike.
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as count:
            model(images)
        for hook in hooks:
            hook.remove()
        found = count.get_flop_counts()
        root = f"{type(model).__name__}."
        self._flops = {name.removeprefix(root): sum(ops.values()) for name, ops in found.items()}
        self.multiply_adds = count.get_total_flops() // 2

    def _remember(self, module: nn.Module, _: object, output: object) -> None:
        shape = tuple(output.shape[1:]) if isinstance(output, Tensor) else None
        self._shapes[id(module)] = shape

    def layers(self, module: nn.Module, place: str, depth: int, name: str = "") -> Iterator[Layer]:
        """Yield the parts of a module, down to a depth; each parameter is in one of them.

        Args:
            place: of the module in the network. name: that its parts' names begin with.
        """
        children = dict(module.named_children())
        if depth == 0 or not children:
            if _worth_showing(module) and (id(module) in self._shapes or [*module.parameters()]):
                yield self._layer(module, place, name, tuple(module.parameters()), {})
            return
        own = tuple(module.parameters(recurse=False))
        itself = self._layer(module, place, name or "(itself)", own, children)
        if own or itself.multiply_adds:
            yield itself
        for part, child in children.items():
            below = f"{name}.{part}" if name else part
            yield from self.layers(child, f"{place}.{part}", depth - 1, below)

    def _layer(
        self,
        module: nn.Module,
        place: str,
        name: str,
        parameters: tuple[nn.Parameter, ...],
        apart: dict[str, nn.Module],
    ) -> Layer:
        elsewhere = sum(self._within(f"{place}.{part}", child) for part, child in apart.items())
        flops = self._within(place, module) - elsewhere
        shape = self._shapes.get(id(module))
        return Layer(name, type(module).__name__, shape, parameters, flops // 2)

    def _within(self, place: str, module: nn.Module) -> int:
        """Return the operations in a module; a mere list of modules has those of its parts."""
        if place in self._flops or id(module) in self._shapes:
            return self._flops.get(place, 0)
        parts = module.named_children()
        return sum(self._within(f"{place}.{part}", child) for part, child in parts)


def _worth_showing(module: nn.Module) -> bool:
    return not isinstance(module, nn.Identity)

"""The settings of the head: what stands on the backbone."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fastmed.settings.part import Part

Pool = Literal["avg", "max", "concat"]
Normalized = Literal["none", "pooled", "all"]


class HeadSettings(Part):
    """What stands on the backbone: pooling, BatchNorm, hidden layers with ReLU, dropout.

    Attributes:
        pool: of the backbone's feature map; ``concat`` is average and maximum side by side.
        hidden: widths of hidden linear layers; empty means one linear layer.
        dropout: before the last layer and between hidden ones.
        pooled_dropout: of the pooled features, before the first hidden layer; None means half of
            ``dropout``.
        batch_norm: what is normalised: the pooled features, the input of every linear layer, or
            nothing.
        own: the pooling and the last layer that timm's network has of its own stand on it, and
            none of the above.
    """

    pool: Pool = "concat"
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = (512,)
    dropout: float = Field(0.5, ge=0, lt=1)
    pooled_dropout: float | None = Field(None, ge=0, lt=1)
    batch_norm: Normalized = "all"
    own: bool = False

    @model_validator(mode="after")
    def _nothing_beside_own(self) -> Self:
        others = {name: getattr(self, name) for name in type(self).model_fields if name != "own"}
        plain = {name: field.default for name, field in type(self).model_fields.items()}
        changed = sorted(name for name, value in others.items() if value != plain[name])
        if self.own and changed:
            raise ValueError(f"{changed[0]} has no effect with own = true: the head is timm's")
        return self

    @model_validator(mode="after")
    def _pooled_dropout_has_effect(self) -> Self:
        if self.pooled_dropout is not None and not self.hidden:
            raise ValueError(
                "pooled_dropout has no effect without hidden layers; dropout is what stands before "
                "the last layer"
            )
        return self

    @property
    def dropouts(self) -> list[float]:
        """The dropout before each linear layer, from the first to the last."""
        if not self.hidden:
            return [self.dropout]
        first = self.dropout / 2 if self.pooled_dropout is None else self.pooled_dropout
        return [first, *[self.dropout] * len(self.hidden)]

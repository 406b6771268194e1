"""The settings of the head: what stands on the backbone."""

from typing import Annotated, Literal

from pydantic import Field

from fastmed.settings.part import Part

Pool = Literal["avg", "max", "concat"]


class HeadSettings(Part):
    """What stands on the backbone: pooling, BatchNorm, hidden layers with ReLU, dropout.

    Attributes:
        pool: of the backbone's feature map; ``concat`` is average and maximum side by side.
        hidden: widths of hidden linear layers; empty means one linear layer.
        dropout: before the last layer and between hidden ones.
        batch_norm: normalise the pooled features.
    """

    pool: Pool = "concat"
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = (512,)
    dropout: float = Field(0.5, ge=0, lt=1)
    batch_norm: bool = True

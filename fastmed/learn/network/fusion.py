"""Networks that take metadata: beside the image, or alone."""

import numpy as np
import torch
from fastai.torch_core import TensorBase, apply_init
from torch import Tensor, nn

from fastmed.data.metadata import MetadataEncoder
from fastmed.learn.network.head import linear_layers
from fastmed.settings.head import HeadSettings

WIDTH = 32  # of the hidden layer that metadata goes through
HIDE = 0.1  # share of training images that lose all metadata, and of fields that are lost alone


class MetadataBranch(nn.Module):
    """Turns encoded metadata (B, width) into features (B, `WIDTH`).

    While it trains, it hides all metadata of some images and single fields of others, as if they
    were unknown. So a network can later do without what is missing.

    Attributes:
        missing: the encoding (width,) of an image about which nothing is known.
        owners: the field of each column, (width,).
    """

    missing: Tensor
    owners: Tensor

    def __init__(self, encoder: MetadataEncoder, hide: float = HIDE) -> None:
        super().__init__()
        missing = torch.from_numpy(np.asarray(encoder.missing))
        self.hide, self.fields = hide, len(encoder.fields)
        self.register_buffer("missing", missing, persistent=False)
        self.register_buffer("owners", torch.tensor(encoder.owners), persistent=False)
        self.layers = nn.Sequential(nn.Linear(len(missing), WIDTH), nn.LayerNorm(WIDTH), nn.ReLU())

    def forward(self, metadata: Tensor) -> Tensor:
        """Return the features of metadata."""
        known = metadata.as_subclass(Tensor) if isinstance(metadata, TensorBase) else metadata
        return self.layers(self._with_some_hidden(known) if self.training else known)

    def _with_some_hidden(self, metadata: Tensor) -> Tensor:
        images = len(metadata)
        whole = torch.rand(images, 1, device=metadata.device) < self.hide
        single = torch.rand(images, self.fields, device=metadata.device) < self.hide
        return torch.where((whole | single)[:, self.owners], self.missing, metadata)


class FusionNet(nn.Module):
    """An image network whose head also gets metadata.

    The features of the metadata are added, through weights of their own, to what the first linear
    layer of the head gives: the same as one linear layer over image and metadata features side by
    side. These weights start at zero, so that the network starts as the image network it is made
    from, whose weights fit as they are.

    Attributes:
        image: body and head of the image network.
        branch: see `MetadataBranch`.
        join: the weights of the metadata's features.
    """

    def __init__(self, image: nn.Sequential, encoder: MetadataEncoder) -> None:
        super().__init__()
        self.image = image
        self.branch = MetadataBranch(encoder)
        layers = enumerate(image[1].children())
        self.place, first = next((i, layer) for i, layer in layers if isinstance(layer, nn.Linear))
        self.join = nn.Linear(WIDTH, first.out_features, bias=False)
        nn.init.zeros_(self.join.weight)

    def forward(self, images: Tensor, metadata: Tensor) -> Tensor:
        """Return the outputs (B, K) of images (B, C, H, W) and their metadata (B, width)."""
        body, head = self.image
        features = body(images)
        for place, layer in enumerate(head.children()):
            features = layer(features)
            if place == self.place:
                features = features + self.join(self.branch(metadata))
        return features


class MetadataNet(nn.Module):
    """A network that looks at the metadata alone: the branch and the head of a `FusionNet`."""

    def __init__(
        self,
        encoder: MetadataEncoder,
        settings: HeadSettings,
        outputs: int,
        one_value: bool = False,
    ) -> None:
        super().__init__()
        self.branch = MetadataBranch(encoder)
        self.head = nn.Sequential(*linear_layers(WIDTH, settings, outputs, one_value))
        apply_init(self.head, nn.init.kaiming_normal_)

    def forward(self, images: Tensor, metadata: Tensor) -> Tensor:
        """Return the outputs (B, K) of metadata (B, width); the images are not looked at."""
        return self.head(self.branch(metadata))


def metadata_groups(model: nn.Module) -> list[list[nn.Parameter]]:
    """Return the parameters of a `MetadataNet` as those of a head on an empty body."""
    return [[], [], list(model.parameters())]

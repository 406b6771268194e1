"""Random changes of the dyes of histology tiles, on the device, a batch at a time."""

import torch
from fastai.vision.augment import RandTransform
from fastai.vision.core import TensorImage
from torch import Tensor

# Optical density of red, green and blue (natural logarithm) a unit of haematoxylin, eosin and
# DAB: A. C. Ruifrok and D. A. Johnston, Quantification of histochemical staining by color
# deconvolution, Anal. Quant. Cytol. Histol. 23 (2001). scikit-image's matrix is the same.
DYES = ((0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.27, 0.57, 0.78))
_DARKEST = 1 / 255
_ADDED = 0.25  # of the strength, in optical density


class StainJitter(RandTransform):
    """Makes each dye of each training image stronger or weaker, and adds or takes some.

    The image is parted into haematoxylin, eosin and a rest (HED); each becomes ``a * dye + b``
    with ``a`` drawn from 1 - strength to 1 + strength, and ``b`` from a quarter of that around 0:
    more would tint the empty slide as no scanner does.

    Source:
        After D. Tellez et al., Whole-slide mitosis detection in H&E breast histology using PHH3
        as a reference to train distilled stain-invariant convolutional networks, IEEE
        Transactions on Medical Imaging 37 (2018).
    """

    order = 20  # on plain colours: after they are floats, before they are turned or normalised

    def __init__(self, strength: float) -> None:
        super().__init__(p=1.0)
        self.strength = strength

    def encodes(self, images: TensorImage) -> TensorImage:
        """Return a batch of 0 to 1 with its dyes changed, (B, 3, H, W)."""
        plain = images.as_subclass(Tensor).expand(-1, 3, -1, -1)
        factors, shifts = plain.new_empty(2, len(images), 3).uniform_(-1, 1) * self.strength
        changed = change_dyes(plain, 1 + factors, _ADDED * shifts)
        return changed.as_subclass(type(images))


def change_dyes(images: Tensor, factors: Tensor, shifts: Tensor) -> Tensor:
    """Return images with ``factors * dye + shifts`` in place of each dye.

    Args:
        images: (B, 3, H, W), RGB from 0 to 1.
        factors, shifts: (B, 3), of haematoxylin, eosin and DAB; shifts in optical density.
    """
    dyes = images.new_tensor(DYES)
    mixed = torch.linalg.inv(dyes) @ (factors[:, :, None] * dyes)
    added = shifts @ dyes
    density = -images.clamp_min(_DARKEST).log()
    changed = torch.einsum("bchw,bcd->bdhw", density, mixed) + added[:, :, None, None]
    return (-changed).exp().clamp_(0, 1)

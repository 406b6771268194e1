"""Normalisation of batches, worked in place: a batch of large images is copied once, not thrice."""

from fastai.data.transforms import Normalize
from fastai.vision.core import TensorImage


class NormalizeInPlace(Normalize):
    """fastai's normalisation by mean and deviation, without new memory for each step.

    The batch is the loader's own: nothing else holds it.
    """

    def encodes(self, x: TensorImage) -> TensorImage:
        """Return the batch (B, C, H, W), on a scale of 0 to 1 before, normalised.

        Grey images (B, 1, H, W) get as many channels as there are means.
        """
        if x.shape[1] == self.mean.shape[1]:
            return x.sub_(self.mean).div_(self.std)
        return (x - self.mean).div_(self.std)

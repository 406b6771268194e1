"""The `lungs` project's own networks, registered with timm under names of their own.

They start from random weights: nobody has published any.
"""

from fastmed.learn.network.nets import cnn, mobilenet, resnet, unet, vgg, vgg_cnn

__all__ = ["cnn", "mobilenet", "resnet", "unet", "vgg", "vgg_cnn"]

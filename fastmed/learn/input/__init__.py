"""From the items table to batches: fastai's loaders, blocks and augmentation."""

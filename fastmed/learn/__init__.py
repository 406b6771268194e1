"""Networks and their training: torch, fastai and timm are loaded here."""

"""The network: a backbone, a head, and the weights that they start from."""

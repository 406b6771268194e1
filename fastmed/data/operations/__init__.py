"""From pixels to the network's square: fixed operations and fitting."""

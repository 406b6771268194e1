"""Heat maps: where in an image a network finds what raises an output, and checks of that."""

"""Whether images are like those that a network was trained on."""

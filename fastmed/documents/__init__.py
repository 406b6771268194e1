"""What a run knows of itself, for people who did not train it: the card and the checklists."""

"""What heat maps are worth, in numbers."""

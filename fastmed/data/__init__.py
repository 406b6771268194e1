"""From files to a checked, split table of images; nothing here loads torch."""

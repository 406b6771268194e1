"""Every file format to the pixels that are meant to be seen, or one sentence that says why not."""

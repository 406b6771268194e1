"""Every figure, drawn by one hand."""

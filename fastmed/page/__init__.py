"""Pages: one HTML file with all in it, which runs nothing and fetches nothing."""

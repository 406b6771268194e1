"""What an image may announce of its size before anything of it is decoded."""

MOST_PIXELS = 100_000_000  # of one frame
MOST_BYTES = 2**31  # of one frame, decoded
MOST_FRAMES = 1000  # of one file

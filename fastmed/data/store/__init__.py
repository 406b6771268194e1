"""Each image decoded once: the processes that decode, and the cache on disk."""

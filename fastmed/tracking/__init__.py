"""Live tracking of a training by other programs, each in a process of its own."""

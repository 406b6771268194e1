"""The settings of a task, part by part; names that a typo could miss are closed lists."""

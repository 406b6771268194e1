"""Made-up data sets: pictures drawn from random numbers, in the layout of each built-in task."""

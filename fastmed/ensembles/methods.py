"""The methods by which members become one, and what each is in a word."""

METHODS = {
    "vote": "majority vote",
    "mean": "mean",
    "weighted": "weighted mean",
    "stack": "stacking",
}

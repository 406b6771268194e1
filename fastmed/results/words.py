"""Numbers as people read them."""


def signed_text(value: float | None) -> str:
    """Return a difference with its sign and three places; a dash where there is none."""
    return "-" if value is None else f"{value:+.3f}"


def chance_text(p: float | None) -> str:
    """Return a p with three places, "< 0.001" where they would all be zero, a dash for none."""
    if p is None:
        return "-"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"

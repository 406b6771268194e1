"""A family that was interrupted, gone on with."""

from pathlib import Path

from fastmed.data.pseudonyms import located
from fastmed.errors import RunError
from fastmed.families import metadata, variants
from fastmed.families.family import Family
from fastmed.families.train_members import train_members

NESTED = "nested"  # the kind of family whose members take what a search each has found


def resume_family(
    family: Family | str | Path,
    *,
    cache: bool = True,
    device: str | None = None,
    workers: int | None = None,
) -> Family:
    """Train what is missing of a family; a run that was interrupted goes on where it was.

    Args:
        family: a family or its folder. The other arguments are those of `train`.

    Raises:
        RunError: nothing is missing, or the runs depend on searches of their own.
    """
    family = family if isinstance(family, Family) else Family.open(family)
    if family.info["kind"] == NESTED:
        raise RunError(
            f"each run of {family.path} follows a search: go on with `fastmed resume {family.path}`"
        )
    if len(family.finished) == len(family.plan):
        raise RunError(f"all {len(family.plan)} runs of {family.path} are finished")
    options = {"cache": cache, "device": device, "workers": workers}
    compares_meta = family.info["kind"] == metadata.KIND
    changes_of = metadata.changes_of if compares_meta else variants.own_changes
    return train_members(family, located(family.items), changes_of, options)

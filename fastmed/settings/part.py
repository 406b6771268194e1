"""A piece of a task."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A piece of a task: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

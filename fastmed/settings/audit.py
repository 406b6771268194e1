"""The settings of the audit: which findings are accepted, and why."""

from typing import Literal, get_args

from pydantic import Field, field_validator

from fastmed.errors import nearest
from fastmed.settings.part import Part

CheckId = Literal[
    "L1", "L2", "L3", "L4", "L5", "L6", "L7",
    "S1", "S2", "S3", "S4", "S5", "S6", "S7",
    "Q1", "Q2", "Q3", "Q4", "Q5", "Q6",
    "Y1", "Y2", "Y3", "Y4",
    "P1",
]  # fmt: skip
CHECK_IDS: tuple[str, ...] = get_args(CheckId)
_LONGEST = 500  # characters of a reason


class AuditSettings(Part):
    """What is done about findings of the audit.

    Attributes:
        accept: id of a check -> why its finding is accepted; the reason stands in the run and in
            its report.
        strict: training refuses any finding of the severity ERROR that is not accepted.
        full: training looks at the images, too, as `fastmed audit` does.
    """

    accept: dict[str, str] = Field(default_factory=dict)
    strict: bool = False
    full: bool = False

    @field_validator("accept")
    @classmethod
    def _known_and_reasoned(cls, accept: dict[str, str]) -> dict[str, str]:
        for name, reason in accept.items():
            if name not in CHECK_IDS:
                close = nearest(name, CHECK_IDS) or f"; known are {', '.join(CHECK_IDS)}"
                raise ValueError(f"'{name}' is no check of the audit{close}")
            if not reason.strip():
                raise ValueError(
                    f"{name} is accepted without a reason; say why, as in "
                    f'--accept {name}="copies were looked at, one by one"'
                )
            if not reason.isprintable() or len(reason) > _LONGEST:
                raise ValueError(
                    f"the reason to accept {name} is not a line of at most {_LONGEST} characters"
                )
        return {name: accept[name].strip() for name in CHECK_IDS if name in accept}

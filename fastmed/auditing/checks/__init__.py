"""The checks of the audit, one module a family."""

from fastmed.auditing.checks import labels, leaks, privacy, quality, shortcuts

CHECKS = (
    *leaks.CHECKS, *shortcuts.CHECKS, *quality.CHECKS, *labels.CHECKS, *privacy.CHECKS,
)  # fmt: skip

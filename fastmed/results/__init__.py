"""What a predictions table tells: scores and figures; no torch in here."""

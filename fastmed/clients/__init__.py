"""Clients: the folder of each becomes a page, heat maps and a file for machines.

`reading` says whose images an input holds, `findings` what was found, `model` what is known of the
model, `record` how both are written for machines, `page` and `summary_page` for people. `writing`
is the story.
"""

from fastmed.clients.writing import ClientReport, write_client_report

__all__ = ["ClientReport", "write_client_report"]

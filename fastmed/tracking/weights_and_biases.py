"""Tracking by Weights & Biases, on its own client."""

import os
from pathlib import Path
from typing import ClassVar

from fastmed.tracking.tracker import About, Tracker, Values


class WeightsAndBiases(Tracker):
    """Sends a run to Weights & Biases, or writes it below the run's folder in offline mode.

    Nothing of the machine is sent: no command line, no code, no names of host and user.
    """

    label: ClassVar[str] = "Weights & Biases"
    package: ClassVar[str] = "wandb"

    def __init__(self, about: About) -> None:
        import wandb

        settings = wandb.Settings(
            console="off", disable_git=True, disable_code=True, x_disable_meta=True,
            x_disable_machine_info=True, x_save_requirements=False, disable_job_creation=True,
            host="",
        )  # fmt: skip
        self.image = wandb.Image
        self.run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "fastmed"),
            group=about.task,
            name=about.name,
            id=about.key,
            resume="allow",
            dir=str(about.folder),
            config=about.settings,
            settings=settings,
        )

    def epoch(self, number: int, values: Values) -> None:
        """Log a step."""
        self.run.log({"epoch": number, **values}, step=number)

    def figure(self, name: str, file: Path, number: int) -> None:
        """Log a picture with the last step."""
        self.run.log({name: self.image(str(file))}, step=number)

    def end(self, status: str, scores: Values) -> None:
        """Fill the summary and finish; what was not sent until then is sent now."""
        self.run.summary.update({**scores, "status": status})
        self.run.finish(exit_code=0 if status == "done" else 1)

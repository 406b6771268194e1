"""Options of ``fastmed train`` that say how the network is fitted."""

from typing import Annotated, Optional

import typer

PANEL = "Fit"

Epochs = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(help="Epochs with the whole network.", rich_help_panel=PANEL),
]
FreezeEpochs = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(help="Epochs before, with a frozen pretrained body.", rich_help_panel=PANEL),
]
Batch = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        metavar="N|auto",
        help="Images in a batch; auto finds the most that memory holds.",
        rich_help_panel=PANEL,
    ),
]
Rate = Annotated[
    Optional[float], typer.Option(help="Peak learning rate.", rich_help_panel=PANEL)  # noqa: UP045
]
Loss = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        metavar="NAME|FILE.py:NAME",
        help="cross_entropy, focal, bce; for grades smooth_l1, mse, l1, huber, corn, coral; or "
        "a function of your own.",
        rich_help_panel=PANEL,
    ),
]
Optimizer = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        help="As PyTorch or fastai name it: AdamW, Adamax, SGD, Ranger, Lamb, ...",
        rich_help_panel=PANEL,
    ),
]
Schedule = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        help="Of the learning rate: one_cycle, flat_cosine, cosine, step or constant.",
        rich_help_panel=PANEL,
    ),
]
Balance = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        help="How rare classes are made up for: none, sampler, class_weights or per_class.",
        rich_help_panel=PANEL,
    ),
]
Mixup = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(help="How strongly images are mixed, as 0.4.", rich_help_panel=PANEL),
]
Average = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(help="Decay of a moving average of the weights, as 0.999.", rich_help_panel=PANEL),
]
Patience = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        help="Epochs without a better one after which a phase ends.", rich_help_panel=PANEL
    ),
]
Precision = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="Of computations: auto, fp32, bf16 or fp16.", rich_help_panel=PANEL),
]
Speed = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        help="How steps are computed: auto, as is measured to be the quickest; plain, as "
        "fastai does.",
        rich_help_panel=PANEL,
    ),
]
SaveEvery = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        metavar="N",
        help="Keep every Nth epoch's checkpoint, beside the best and the last.",
        rich_help_panel=PANEL,
    ),
]
Select = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="The metric that chooses the epoch to keep.", rich_help_panel=PANEL),
]
Seed = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(help="Of weights, batches and augmentation.", rich_help_panel=PANEL),
]

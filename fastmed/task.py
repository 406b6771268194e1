"""A task: the frozen, typed description of what is learnt, from which files, and how."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from fastmed.errors import TaskError, listed, nearest
from fastmed.files import leads_out
from fastmed.settings.audit import AuditSettings
from fastmed.settings.augment import AugmentSettings
from fastmed.settings.data import BalanceSettings, FetchSettings, MetaName, SplitSettings
from fastmed.settings.effects import check_effects
from fastmed.settings.head import HeadSettings
from fastmed.settings.image import ImageSettings
from fastmed.settings.objective import LOSSES_OF, ORDINAL, is_own
from fastmed.settings.part import Part
from fastmed.settings.predict import CutRule, PredictSettings
from fastmed.settings.scores import ScoreSettings, check_scores
from fastmed.settings.sources import AnySource
from fastmed.settings.train import METADATA, TrainSettings
from fastmed.settings.tune import TuneSettings, check_space

Goal = Literal["category", "grade"]

METRICS_OF: dict[str, tuple[str, ...]] = {
    "category": ("valid_loss", "accuracy", "balanced_accuracy", "macro_f1", "auroc"),
    "grade": ("valid_loss", "accuracy", "balanced_accuracy", "macro_f1", "kappa", "mae"),
}


# Parts of a task that a member of an ensemble may have of its own: all see the same images.
OF_MEMBERS = ("image", "augment", "head", "train", "predict")


class Task(Part):
    """What is learnt, from which files, and how; see `fastmed tasks` for the built-in ones."""

    name: str
    title: str
    goal: Goal
    classes: tuple[str, ...] = Field(min_length=2)
    source: AnySource
    extra: AnySource | None = None
    fetch: FetchSettings = FetchSettings()
    meta: tuple[MetaName, ...] = ()
    image: ImageSettings = ImageSettings()
    split: SplitSettings = SplitSettings()
    balance: BalanceSettings = BalanceSettings()
    augment: AugmentSettings = AugmentSettings()
    head: HeadSettings = HeadSettings()
    train: TrainSettings = TrainSettings()
    predict: PredictSettings = PredictSettings()
    scores: ScoreSettings = ScoreSettings()
    tune: TuneSettings = TuneSettings()
    audit: AuditSettings = AuditSettings()
    pseudonymise: bool = False
    members: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        check_folder_name(name)
        return name

    @field_validator("title")
    @classmethod
    def _one_line(cls, title: str) -> str:
        if not title.isprintable():
            raise ValueError(f"the title {title!r} is not printable in one line")
        return title

    @field_validator("classes")
    @classmethod
    def _plain_distinct_classes(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(unicodedata.normalize("NFC", name) for name in classes)
        seen: dict[str, str] = {}
        for name in names:
            check_class_name(name)
            same = unicodedata.normalize("NFKC", name).casefold()
            if same in seen:
                raise ValueError(f"classes '{seen[same]}' and '{name}' are the same")
            seen[same] = name
        return names

    @model_validator(mode="after")
    def _fits_goal(self) -> Self:
        loss, select = self.train.loss, self.train.select
        if loss is not None and not is_own(loss) and loss not in LOSSES_OF[self.goal]:
            raise ValueError(_misfit("train.loss", loss, self.goal, LOSSES_OF[self.goal]))
        if select is not None and select not in METRICS_OF[self.goal]:
            raise ValueError(_misfit("train.select", select, self.goal, METRICS_OF[self.goal]))
        if self.goal == "grade" and self.balance.method == "class_weights":
            raise ValueError(
                "balance.method = 'class_weights' needs goal = 'category'; "
                "a grade is balanced by method = 'per_class'"
            )
        if self.goal == "grade" and self.train.label_smoothing:
            raise ValueError("train.label_smoothing has no effect with goal = 'grade'")
        if self.goal == "category" and self.predict.cut_points:
            raise ValueError("predict.cut_points has no effect with goal = 'category'")
        if self.goal == "grade" and self.predict.average and not self.ordinal:
            raise ValueError(
                f"predict.average has no effect with loss = '{self.loss}': the network gives "
                "values of grades, which are averaged"
            )
        return self

    @model_validator(mode="after")
    def _settings_have_effect(self) -> Self:
        check_effects(self)
        return self

    @model_validator(mode="after")
    def _scores_name_classes(self) -> Self:
        check_scores(self.scores, self.classes, self.goal)
        return self

    @model_validator(mode="after")
    def _codes_name_classes(self) -> Self:
        for name in self.predict.codes:
            if name not in self.classes:
                raise ValueError(f"predict.codes names '{name}', which is not a class")
        return self

    @model_validator(mode="after")
    def _space_is_known(self) -> Self:
        check_space(self)
        return self

    @model_validator(mode="after")
    def _has_metadata(self) -> Self:
        repeated = sorted({name for name in self.meta if self.meta.count(name) > 1})
        if repeated:
            raise ValueError(f"meta names '{repeated[0]}' twice")
        if self.metadata_only and not self.meta:
            raise ValueError(
                'train.arch = "metadata" needs metadata to look at, as in meta = ["age", "sex"]'
            )
        if self.metadata_only and self.train.weights is not None:
            raise ValueError("train.weights has no effect with train.arch = 'metadata'")
        return self

    @model_validator(mode="after")
    def _dyes_have_colours(self) -> Self:
        grey = self.image.channels == 1 or "grayscale" in {o.name for o in self.image.operations}
        if self.augment.hed and grey:
            raise ValueError("augment.hed changes the dyes of coloured images, but they are grey")
        return self

    @model_validator(mode="after")
    def _renames_to_classes(self) -> Self:
        for place, source in (("source", self.source), ("extra", self.extra)):
            for name in source.rename.values() if source else ():
                if name not in self.classes:
                    raise ValueError(f"{place}.rename leads to '{name}', which is not a class")
        return self

    @model_validator(mode="after")
    def _fetches_what_it_reads(self) -> Self:
        if len(self.fetch.kaggle) > 1 and self.extra is None:
            raise ValueError(
                f"fetch.kaggle names '{self.fetch.kaggle[1]}' for an extra source, and the task "
                "has none"
            )
        return self

    @field_validator("members")
    @classmethod
    def _members_share_the_images(cls, members: dict[str, Any]) -> dict[str, Any]:
        for name, own in members.items():
            check_folder_name(name)
            for key, _ in _leaves(own):
                if key.split(".")[0] not in OF_MEMBERS:
                    raise ValueError(
                        f"{name}: '{key}' is the same for all members; a member may change "
                        f"{listed(OF_MEMBERS)}"
                    )
        return members

    def changes_of_member(self, name: str) -> dict[str, Any]:
        """Return what a member of the task's ensemble has of its own, for `with_changes`.

        Raises:
            TaskError: there is no such member.
        """
        if name not in self.members:
            close = nearest(name, self.members) or f"; there are {listed(self.members)}"
            raise TaskError(f"task '{self.name}' has no member '{name}'{close}")
        return {**dict(_leaves(self.members[name])), "members": {}}

    @property
    def loss(self) -> str:
        """The loss to train with: the task's, or the goal's own."""
        return self.train.loss or LOSSES_OF[self.goal][0]

    @property
    def ordinal(self) -> bool:
        """True if the network says of each step between grades how likely it is taken."""
        return self.loss in ORDINAL

    @property
    def select(self) -> str:
        """The metric that chooses the epoch to keep."""
        return self.train.select or ("auroc" if self.goal == "category" else "kappa")

    @property
    def cut_points(self) -> CutRule:
        """How cut points of grades are found."""
        return self.predict.cut_points or "kappa"

    @property
    def metadata_only(self) -> bool:
        """True if the network looks at the metadata alone, and at no image."""
        return self.train.arch == METADATA

    @property
    def outputs(self) -> int:
        """How many numbers the network gives for an image."""
        if self.ordinal:
            return len(self.classes) - 1
        return len(self.classes) if self.goal == "category" else 1

    def with_changes(self, changes: dict[str, Any]) -> "Task":
        """Return the task with dotted keys changed, e.g. ``{"train.lr": 0.01}``, validated anew.

        Raises:
            TaskError: a key is unknown or a value doesn't fit.
        """
        from fastmed.taskfile import changed

        return changed(self, changes)


def _leaves(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each setting of nested tables, under its dotted name."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def check_folder_name(name: str) -> None:
    """Refuse a name that not every system takes for a folder.

    Raises:
        ValueError: says what a name may hold.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise ValueError(f"the name '{name}' may hold only letters, digits, '_' and '-'")


_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LONGEST_NAME = 100


def check_class_name(name: str) -> None:
    """Refuse a class name that is no text, or that another program would take for a command.

    Class names stand in tables, figures and pages that are opened elsewhere: in spreadsheets,
    browsers, on other systems.

    Raises:
        ValueError: says what is wrong with the name, and the way out.
    """
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise ValueError(f"class {name!r} is empty, padded or not printable")
    reason = _taken_for(name)
    if reason:
        shown = name if len(name) <= _LONGEST_NAME else f"{name[:20]}…"
        raise ValueError(
            f"class '{shown}' {reason}; give the class another name, and labels that are written "
            "so in the data that name with source.rename"
        )


def _taken_for(name: str) -> str:
    """Return what a name would be taken for; empty if it is just a name."""
    if len(name) > _LONGEST_NAME:
        return f"has {len(name)} characters, more than {_LONGEST_NAME}"
    if name[0] in "=+-@" and not re.fullmatch(r"[+-]?\d+(\.\d+)?", name):
        return "would be a formula to a spreadsheet"
    if leads_out(name):
        return "would be a path that leads out of a folder"
    if _DEVICE.fullmatch(name):
        return "is the name of a device on Windows"
    if re.search(r"<\s*[A-Za-z/!?]", name):
        return "would be markup to a browser"
    return ""


def _misfit(key: str, value: str, goal: str, fitting: tuple[str, ...]) -> str:
    return f"{key} = '{value}' does not fit goal = '{goal}', which takes {', '.join(fitting)}"

"""What a model hub reads of a run: README.md, with its licence, tags and scores."""

import re
from pathlib import Path

from fastmed.errors import RunError
from fastmed.reporting.model_card import markdown_of
from fastmed.reporting.story import Story, tell
from fastmed.results.scores.names import LABELS

README = "README.md"
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]{0,39}")


def readme_of(run: Path, licence: str) -> str:
    """Return the README.md of a run or a family: front matter for the hub, and the model card.

    Args:
        run: the folder.
        licence: as the hub names it, in small letters: ``apache-2.0``, ``cc-by-nc-4.0``, ``other``.

    Raises:
        RunError: that is no such name.
    """
    if not _LICENCE.fullmatch(licence):
        raise RunError(
            f"'{licence}' is no licence as a hub names it; write it as in apache-2.0 or other"
        )
    story = tell(run)
    return f"---\n{_front_matter(story, licence)}---\n\n{markdown_of(story)}"


def _front_matter(story: Story, licence: str) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    task = story.task
    scores = [(name, story.score(name)[0]) for name in story.headlines]
    results = [
        EvalResult(
            task_type="image-classification",
            dataset_type=task.name,
            dataset_name=task.title,
            dataset_split=story.label,
            metric_type=name,
            metric_name=LABELS[name],
            metric_value=round(float(value), 6),
        )
        for name, value in scores
        if value is not None
    ]
    data = ModelCardData(
        license=licence,
        library_name="fastmed",
        pipeline_tag="image-classification",
        tags=["fastmed", "timm", "medical-imaging", f"goal-{task.goal}"],
        metrics=[name for name, _ in scores] or None,
        model_name=str(story.card["name"]),
        eval_results=results or None,
    )
    return str(data.to_yaml()) + "\n"

"""Files of other tools: their columns, their names of classes, and what they hide."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_members import LUNGS, file_of, run_of, said

from fastmed.data.tables import grades_of, read_table, scores_of
from fastmed.ensembles import Ensemble, ensemble
from fastmed.errors import DataError, TaskError
from fastmed.files import read_json, write_json


@pytest.fixture
def tables() -> list[pd.DataFrame]:
    return [said(LUNGS, 30, seed, labelled=False) for seed in (1, 2, 3)]


def written(folder: Path, name: str, table: pd.DataFrame, **options: object) -> Path:
    table.to_csv(folder / name, index=False, **options)
    return folder / name


def test_two_column_files_of_numbers_take_the_classes_of_a_task(
    tables: list[pd.DataFrame], tmp_path: Path
) -> None:
    files = []
    for place, table in enumerate(tables):
        numbers = grades_of(table["predicted"], LUNGS)
        two = pd.DataFrame({"image": table["item"], "label": numbers})
        files.append(written(tmp_path, f"t{place}.csv", two.sample(frac=1, random_state=place)))
    found = ensemble(files, method="vote", task="lungs").set_index("item")
    own = [file_of(tmp_path, f"o{place}", table) for place, table in enumerate(tables)]
    same = ensemble(own, method="vote").set_index("item").loc[found.index]
    clear = (found["agreement"] > 0.5).to_numpy()
    assert (found["predicted"] == same["predicted"])[clear].all()
    plain = Ensemble.of(files, method="vote")
    assert plain.task.classes == ("0", "1", "2")
    assert set(plain.table["predicted"]) <= {"0", "1", "2"}


def test_columns_are_told_for_all_files_or_for_one(
    tables: list[pd.DataFrame], tmp_path: Path
) -> None:
    one = tables[0].rename(columns={"item": "name", "predicted": "guess"})[["name", "guess"]]
    two = tables[1].rename(columns={"item": "id", "predicted": "what"})[["what", "id"]]
    files = [
        written(tmp_path, "one.csv", one, sep=";"),
        written(tmp_path, "two.tsv", two, sep="\t"),
    ]
    said_so = ["item=name,predicted=guess", "two.tsv:item=id,predicted=what"]
    found = ensemble(files, method="vote", columns=said_so)
    assert found["predicted"].tolist() == tables[0]["predicted"].tolist()  # ties: the first
    with pytest.raises(DataError, match="two.tsv has no column 'name'"):
        ensemble(files, method="vote", columns=said_so[:1])
    with pytest.raises(DataError, match="isn't said which column is what.*--columns item=name"):
        ensemble(files, method="vote")
    with pytest.raises(DataError, match="no role 'predicts'; did you mean 'predicted'"):
        ensemble(files, method="vote", columns=["predicts=guess"])
    with pytest.raises(DataError, match="is not ROLE=COLUMN"):
        ensemble(files, method="vote", columns=["guess"])


def test_columns_of_scores_by_name_or_by_class(tables: list[pd.DataFrame], tmp_path: Path) -> None:
    scores = scores_of(tables[0], LUNGS)
    named = pd.DataFrame(scores, columns=["p0", "p1", "p2"]).assign(id=tables[0]["item"])
    classes = pd.DataFrame(scores, columns=LUNGS).assign(file=tables[0]["item"]).round(2)
    first, second = written(tmp_path, "p.csv", named), written(tmp_path, "c.csv", classes)
    told = ["p.csv:score_healthy=p0,score_COVID=p1,score_other=p2"]
    found = ensemble([first, second], task="lungs", columns=told, average="probabilities")
    rounded = scores.round(2) / scores.round(2).sum(axis=1, keepdims=True)
    assert scores_of(found, LUNGS) == pytest.approx((scores + rounded) / 2)
    wrong = written(tmp_path, "w.csv", named.assign(p0=7.5))
    with pytest.raises(DataError, match=r"w: the scores of 30 of 30 rows are no probabilities"):
        ensemble([wrong, second], task="lungs", columns=[told[0].replace("p.csv", "w.csv")])
    text = written(tmp_path, "x.csv", named.assign(p0="much"))
    with pytest.raises(DataError, match="x, column 'score_healthy' holds text"):
        ensemble([text, second], task="lungs", columns=[told[0].replace("p.csv", "x.csv")])


def test_one_probability_is_enough_for_two_classes(tmp_path: Path) -> None:
    chance = np.array([0.1, 0.6, 0.9])
    table = pd.DataFrame({"image": ["a", "b", "c"], "score_true": chance})
    files = [written(tmp_path, f"{name}.csv", table) for name in "ab"]
    found = ensemble(files, task="cardiomegaly")
    assert found["score_true"].tolist() == pytest.approx(chance)
    assert found["predicted"].tolist() == ["false", "true", "true"]


def test_labels_come_from_a_file_of_their_own(tables: list[pd.DataFrame], tmp_path: Path) -> None:
    files = [file_of(tmp_path, f"m{place}", table) for place, table in enumerate(tables)]
    truth = said(LUNGS, 30)
    labels = pd.DataFrame({"image": truth["item"], "label": grades_of(truth["target"], LUNGS)})
    file = written(tmp_path, "truth.csv", labels.head(20))
    found = Ensemble.of(files, method="vote", labels=file, task="lungs")
    assert found.judged.scores["n"] == 20
    known = found.table[found.table["target"] != ""]
    right = (known["target"] == known["predicted"]).mean()
    assert found.judged.scores["overall"]["accuracy"] == right


def test_hostile_names_do_no_harm(tmp_path: Path, command: Callable) -> None:
    names = ["<script>alert(1)</script>", "=1+1", "\x1b[31m.png", "a,b"]
    table = pd.DataFrame({"item": names, "predicted": ["a", "b", "b", "a"]})
    files = [written(tmp_path, f"{name}.csv", table) for name in ("x", "y")]
    out = tmp_path / "out.csv"
    said_so = command("ensemble", *files, "--method", "vote", "--out", out)
    assert said_so.code == 0, said_so.err
    assert "\x1b" not in said_so.out + said_so.err
    text = out.read_text()
    assert "\n'=1+1," in text
    assert read_table(out)["item"].tolist() == names
    info = read_json(tmp_path / "out.ensemble.json")
    marked = [written(tmp_path, f"{name}.csv", table.replace("b", "<b>")) for name in "mn"]
    refused = command("ensemble", *marked, "--method", "vote")
    assert (refused.code, refused.err.count("markup to a browser")) == (1, 1)
    assert info["classes"] == ["a", "b"]


def test_names_stay_hidden_beside_a_pseudonymised_run(tmp_path: Path, command: Callable) -> None:
    from fastmed.state import pseudonyms

    run = run_of(tmp_path / "runs", "r", "lungs", 1)
    task = json.loads((run.path / "task.json").read_text())
    write_json(run.path / "task.json", {**task, "pseudonymise": True})
    table = run.predictions("test")
    other = said(LUNGS, 60, 2)  # another tool's, with names
    hidden = {name: pseudonyms(table[name]) for name in ("item", "group")}
    file_of(run.path / "predictions", "test", table.assign(**hidden))
    names = written(tmp_path, "other.csv", other[["item", "predicted"]].iloc[3:])
    refused = command("ensemble", run.path, names, "--method", "vote")
    assert refused.code == 1
    assert "has no prediction of 3 of 60 images" in refused.err
    assert ".png" not in refused.err
    out = tmp_path / "out.csv"
    done = command("ensemble", run.path, names, "--method", "vote", "--missing", "drop",
                   "--out", out)  # fmt: skip
    assert done.code == 0, done.err
    assert ".png" not in out.read_text() + done.out + done.err
    no = command("ensemble", run.path, names, "--method", "vote", "--missing", "drop",
                 "--competition", "name", "--out", out)  # fmt: skip
    assert "wants the names of images" in no.err


def test_the_command_writes_merged_csv(
    tables: list[pd.DataFrame], tmp_path: Path, command: Callable
) -> None:
    files = [file_of(tmp_path, f"m{place}", table) for place, table in enumerate(tables)]
    out = tmp_path / "merged.csv"
    done = command("ensemble", *files, "--method", "vote", "--task", "lungs",
                   "--competition", "number", "--out", out)  # fmt: skip
    assert done.code == 0, done.err
    merged = pd.read_csv(out)
    assert list(merged.columns) == ["image", "label"]
    assert set(merged["label"]) <= {0, 1, 2}
    assert "30 predictions of 3 members are in" in done.err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--weights", "1,2,3"], "--weights has no effect with --method vote"),
        (["--weight-by", "auroc"], "--weight-by has no effect"),
        (["--uncalibrated"], "--uncalibrated has no effect"),
        (["--split", "test"], "--split has no effect where all members are files"),
        (["--input", "images"], "--input has no effect where all members are files"),
        (["--views", "plain"], "--views has no effect without --input"),
        (["--no-cache"], "--no-cache has no effect without --input"),
        (["--valid", "v.csv"], "--valid has no effect here"),
        (["--tasks", "tasks.toml"], "--tasks has no effect without --task"),
        (["--out", "out.pdf"], "pdf"),
    ],
)
def test_options_without_effect_are_refused(
    options: list[str], sentence: str, tables: list[pd.DataFrame], tmp_path: Path, command: Callable
) -> None:
    files = [file_of(tmp_path, f"m{place}", table) for place, table in enumerate(tables)]
    found = command("ensemble", *files, "--method", "vote", *options)
    assert found.code == 1
    assert sentence in found.err


def test_weights_that_are_none_are_refused(tables: list[pd.DataFrame], tmp_path: Path) -> None:
    files = [file_of(tmp_path, f"m{place}", table) for place, table in enumerate(tables)]
    with pytest.raises(TaskError, match="--weights has 2 numbers for 3 members"):
        ensemble(files, method="weighted", weights=[1, 2])
    with pytest.raises(TaskError, match="numbers from 0, not all of them 0"):
        ensemble(files, method="weighted", weights=[1, -2, 3])
    with pytest.raises(TaskError, match="no method 'voting'; did you mean 'vote'"):
        ensemble(files, method="voting")


def test_files_alone_load_no_torch(tables: list[pd.DataFrame], tmp_path: Path) -> None:
    files = [str(file_of(tmp_path, f"m{place}", table)) for place, table in enumerate(tables)]
    wanted = ["ensemble", *files, "--method", "vote", "--out", str(tmp_path / "out.csv")]
    code = (
        "import sys\n"
        "from fastmed.cli import main\n"
        "try:\n"
        f"    main({wanted!r})\n"
        "except SystemExit:\n"
        "    assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.csv").is_file()

"""The library as a notebook meets it: every call, on small reviews, with real trainings."""

from __future__ import annotations

import io
import json
import re
import shlex
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import tflottery as tfl
from tests.called import SMALL, find_in, write_work
from tests.conftest import REVIEWS, same_arrays
from tests.synthetic_tuning import write_tuning_result
from tflottery.cli import find_ticket as find_command
from tflottery.cli.simulated import show_simulation
from tflottery.metrics import METRICS
from tflottery.progress.consoles import open_console
from tflottery.progress.reporter import Reporter

mpl.use("Agg")


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    return write_work(tmp_path_factory.mktemp("work"))


@pytest.fixture(autouse=True)
def here(work, monkeypatch) -> Path:
    monkeypatch.chdir(work)
    return work


@pytest.fixture(scope="module")
def found(work) -> tfl.FoundTicket:
    return find_in(work)


def texts_and_labels(words: tuple[str, ...]) -> tuple[list[str], list[str]]:
    rows = [
        (f"{text} {word}", label)
        for label, texts in REVIEWS.items()
        for text in texts
        for word in words
    ]
    return [text for text, _ in rows], [label for _, label in rows]


def test_what_was_found_is_a_value(found, capsys):
    assert capsys.readouterr().out == ""
    assert found.verdict == found.ticket.about["verdict"] == found.judged.outcome
    assert found.sentence == found.ticket.sentence == found.ticket.about["sentence"]
    assert found.sentence.startswith(found.verdict.capitalize())
    assert found.intervals.to_dict("records") == found.ticket.about["intervals"]
    rounds = found.rounds
    assert list(rounds["network"]) == ["dense", "round 1", "round 2", "reinit"]
    assert list(rounds["reported"]) == [False, False, True, False]
    assert rounds["matches"].isna().tolist() == [True, False, False, True]
    assert rounds["sparsity"].iloc[2] == pytest.approx(0.36, abs=0.01)
    assert rounds["remaining"].iloc[0] > rounds["remaining"].iloc[2] == rounds["remaining"].iloc[3]
    assert rounds["difference"].iloc[0] == 0
    assert found.trained == 4 and len(found.store.runs()) == 4
    page = found._repr_html_()
    assert "<table" in page and "round 2" in page and str(found.ticket.folder) in page
    assert found.sentence in repr(found)
    assert found.rates == found.moved == ""  # no rule, and masks that stay
    left = rounds["remaining"].iloc[2]
    assert found.size.startswith(f"Weights left: {left:,} of {rounds['remaining'].iloc[0]:,}, ")
    assert f", {4 * left / 1000:,.0f} of " in found.size


def test_a_plan_says_what_is_to_be_trained_and_how_long_that_takes(found):
    keywords = {"dry_run": True, "progress": False}
    planned = tfl.find_ticket("films.csv", sparsity=0.36, set=SMALL, **keywords)
    assert planned.sentence == "To train: 0 of 4 runs; about 0:00."
    longer = {**SMALL, "training.epochs": 3}
    fresh = tfl.find_ticket("films.csv", sparsity=0.36, set=longer, **keywords)
    assert fresh.sentence == "To train: 4 of 4 runs; how long that takes is known after the first."
    sparser = tfl.find_ticket("films.csv", sparsity="auto", set=SMALL, **keywords)
    assert sparser.sentence.startswith(f"To train: at most {sparser.missing} of {sparser.total} ")


def test_what_a_rule_set_and_how_a_mask_moved_are_said(tmp_path, capsys):
    rule = write_tuning_result(tmp_path) / "rule.json"
    keywords = {"sparsity": 0.36, "progress": False, "output": tmp_path / "t"}
    ruled = tfl.find_ticket("films.csv", learning_rate=str(rule), set=SMALL, **keywords)
    rates = ruled.rounds.set_index("network")["learning_rate"]
    assert ruled.moved == "" and ruled.rates == (
        f"Learning rates: masks were found at {ruled.ticket.about['found_learning_rate']:g}, dense "
        f"was trained at {rates['dense']:g}, the ticket at {rates['round 2']:g}, by the rule "
        f"{ruled.rule}."
    )
    moving = {**SMALL, "training.batch_size": 8, "training.epochs": 2}
    moved = tfl.find_ticket("films.csv", method="set", set=moving, **keywords)
    moves = moved.moves
    assert moved.rates == "" and moved.moved.startswith(
        f"Its mask moved {moves['step'].nunique()} times, at steps {moves['step'].min()} to "
        f"{moves['step'].max()}: {moves['dropped'].sum():,} weights were dropped and "
    )
    for one, line in ((ruled, ruled.rates), (moved, moved.moved)):
        find_command.show_found(Reporter(open_console()), one)
        shown = " ".join(capsys.readouterr().out.split())
        assert line in shown and one.size in shown


def test_what_was_found_says_what_to_mind_of_the_data(found, work):
    seen = tfl.inspect("films.csv", set={"data.max_length": 400})
    assert any("Few texts: 14 of validation" in line for line in found.cautions)
    assert found.cautions == tuple(found.ticket.about["cautions"])
    assert set(seen.cautions) < set(found.cautions)
    # Counted when the data were encoded.
    (kept,) = (found.store.root / "data").glob("*/inspection-1.json")
    assert json.loads(kept.read_text())["inspection"]["splits"]["validation"]["texts"] == 14
    assert seen.classes["train"].tolist() == [33, 33]


def test_several_seeds_have_one_verdict_and_the_first_ones_ticket(found, tmp_path, capsys):
    keywords = {"sparsity": 0.36, "set": SMALL, "progress": False, "output": tmp_path / "t"}
    both = tfl.find_ticket("films.csv", seeds=2, **keywords)
    # The networks of the first seed are those that it has alone.
    assert both.trained == 4 and both.rounds["seed"].tolist() == [1] * 4 + [2] * 4
    alone = both.rounds[both.rounds["seed"] == 1]
    assert alone["run_key"].tolist() == found.rounds["run_key"].tolist()
    assert both.judged.seeds == 2 and set(both.intervals["seeds"]) == {2}
    about = both.ticket.about
    assert (about["seed"], about["seeds"]) == (1, [1, 2])
    assert about["run_key"] == found.ticket.about["run_key"]
    assert "-seed1of2-" in both.ticket.folder.name
    kept = {row[f"{name}_run_key"] for row in about["by_seed"]
            for name in ("dense", "ticket", "reinit")}  # fmt: skip
    assert kept == set(both.rounds["run_key"]) - set(
        both.rounds.loc[both.rounds["network"] == "round 1", "run_key"]
    )
    assert not set(both.rounds["run_key"]) & set(both.store.unneeded(tmp_path / "t"))
    find_command.show_found(Reporter(open_console()), both)
    shown = capsys.readouterr().out
    assert both.sentence in " ".join(shown.split()) and "test ±" in shown
    axes = both.plot_intervals()
    assert next(tick.get_text() for tick in axes.get_yticklabels()) == "ticket - reinit, test"
    assert both.plot().get_xlabel() == "weights left (%)"
    planned = tfl.find_ticket("films.csv", seeds=[2, 5], dry_run=True, **keywords)
    assert (planned.missing, planned.total) == (4, 8)
    with pytest.raises(tfl.UserError, match="--executor local trains one after the other"):
        tfl.find_ticket("films.csv", executor="local", workers=2, **keywords)


def test_the_same_call_goes_on_from_the_store(found):
    again = tfl.find_ticket("films.csv", sparsity=0.36, set=SMALL, progress=False)
    assert again.trained == 0 and again.rounds.equals(found.rounds)
    assert again.ticket.folder == found.ticket.folder


def test_levels_are_drawn(found):
    axes = found.plot()
    assert axes.get_xlabel() == "weights left (%)" and axes.get_ylabel() == "accuracy (%)"
    assert axes.get_title() == f"{found.verdict} at 63.5 % of the weights"
    assert [round(tick, 1) for tick in axes.get_xticks()] == [79.7, 63.5]
    assert found.plot(ax=axes) is axes
    buffer = io.BytesIO()
    axes.figure.savefig(buffer, format="png")
    assert buffer.getvalue().startswith(b"\x89PNG")


def test_every_metric_of_every_network(found):
    names = list(found.rounds["network"])
    table = found.metrics
    assert list(table["network"].drop_duplicates()) == names and len(table) == 2 * len(names)
    assert set(METRICS) <= set(table.columns) and not table.isna().any().any()
    accuracies = table.pivot(index="network", columns="split", values="accuracy").loc[names]
    for split in ("validation", "test"):
        assert list(accuracies[split]) == list(found.rounds[f"{split}_accuracy"])

    classes = found.per_class
    assert set(classes["class"]) == {"pos", "neg"} and len(classes) == 2 * len(table)
    f1 = classes.groupby(["network", "split"])["f1"].mean()
    for row in table.itertuples():
        assert f1[row.network, row.split] == pytest.approx(row.macro_f1)

    written = found.ticket.about["metrics"]
    assert set(written) == {"ticket", "dense", "reinit"}
    reported = found.rounds[found.rounds["reported"]]["network"].item()
    for name, network in (("ticket", reported), ("dense", "dense"), ("reinit", "reinit")):
        for split in ("validation", "test"):
            row = table[(table["network"] == network) & (table["split"] == split)].iloc[0]
            assert all(written[name][split][one] == row[one] for one in METRICS)
            assert [one["class"] for one in written[name][split]["per_class"]] == ["neg", "pos"]


def test_the_confusion_of_classes_is_drawn(found):
    ax = found.plot_confusion()
    said = tfl.Store("runs").open(found.ticket.about["run_key"]).predictions()["test"]
    counts = [int(text.get_text().split("\n")[0]) for text in ax.texts]
    assert sum(counts) == len(said.labels)
    assert counts[0] + counts[3] == np.sum(said.predicted == said.labels)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["neg", "pos"]


def test_a_chosen_metric_stands_in_the_table(found, capsys):
    again = tfl.find_ticket(
        "films.csv", model="cnn", sparsity=0.36, metric="macro_f1", set=SMALL, progress=False
    )
    assert again.trained == 0 and again.ticket.pruning.metric == "macro_f1"
    find_command.show_found(Reporter(open_console()), again)
    shown = capsys.readouterr().out
    table = again.metrics
    test = table[(table["network"] == "dense") & (table["split"] == "test")]["macro_f1"].item()
    assert "macro" in shown and f"{test:.4f}" in shown


def test_a_ticket_is_saved_built_and_opened(found, tmp_path):
    ticket = found.ticket.save(tmp_path / "mine" / "ticket")
    assert same_arrays(ticket.masks, found.ticket.masks)
    assert (tmp_path / "mine" / "ticket" / "ticket.json").read_bytes() == (
        found.ticket.folder / "ticket.json"
    ).read_bytes()
    assert ticket.save(ticket.folder).folder == ticket.folder
    assert "of a cnn on films.csv" in repr(ticket) and len(repr(ticket)) < 200
    model = ticket.build("final")
    ids = ticket.vocabulary.encode(["great fun and great heart"], max_length=12)
    assert model(pd.DataFrame(ids).to_numpy("int32")).shape == (1, 1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thing").touch()
    with pytest.raises(tfl.UserError, match="is a folder of other things"):
        ticket.save(tmp_path / "other")


def test_a_frame_and_a_file_of_equal_content_are_one_data_set(found, tmp_path):
    frame = pd.read_csv("films.csv")
    seen = tfl.find_ticket(frame, sparsity=0.36, set=SMALL, progress=False, output=tmp_path)
    assert seen.trained == 0
    assert seen.rounds["run_key"].tolist() == found.rounds["run_key"].tolist()


def test_columns_of_a_frame_have_names_of_their_own(tmp_path):
    texts, labels = texts_and_labels(("indeed", "truly", "so", "again", "here", "now"))
    frame = pd.DataFrame({"review": texts, "stars": [1 if one == "neg" else 5 for one in labels]})
    planned = tfl.find_ticket(
        frame, text="review", label="stars", sparsity=0.36, set=SMALL, dry_run=True, progress=False,
        store=tmp_path / "runs",
    )  # fmt: skip
    assert planned.missing == planned.total == 4
    assert planned.runs["done"].tolist() == [False] * 4
    with pytest.raises(tfl.UserError, match="review"):
        tfl.find_ticket(frame, label="stars", progress=False)


def test_splits_of_ones_own_are_used_as_they_are(tmp_path):
    done = tfl.find_ticket(
        texts_and_labels(("indeed", "truly", "so", "again")),
        validation=texts_and_labels(("here",)),
        test=texts_and_labels(("now", "then")),
        sparsity=0.2, set=SMALL, progress=False, store=tmp_path / "runs", output=tmp_path / "t",
    )  # fmt: skip
    from tflottery.runs.encoded import load_corpus

    corpus = load_corpus(done.ticket.recipe.data, done.store)
    assert (len(corpus.train), len(corpus.validation), len(corpus.test)) == (32, 8, 16)
    with pytest.raises(tfl.UserError, match="go with a DataFrame or lists"):
        tfl.find_ticket("films.csv", test=texts_and_labels(("now",)))


def test_a_study_is_a_value(work, capsys):
    planned = tfl.run_study("tiny.toml", seeds=2, dataset="films.csv", dry_run=True, progress=False)
    assert planned.sentence.startswith(f"{len(planned.runs)} trainings: 0 in the store")
    study = tfl.run_study("tiny.toml", seeds=2, dataset="films.csv", progress=False)
    assert study.trained == study.total == len(planned.runs) and not study.failures
    assert set(study.cells["seed"]) == {1, 2}
    # Of these few reviews hardly one is of its own among the test texts.
    assert {answer.outcome for answer in study.answers} == {"no verdict", "not measured"}
    assert any(line.startswith("No verdict: ") for line in study.cautions)
    assert study.report("page").name == "index.html"
    assert "<table" in study._repr_html_() and "StudyResult" in repr(study)
    assert study.plot().get_title() == "iterative"
    with pytest.raises(tfl.UserError, match="Did you mean 'one_shot'"):
        study.plot("oneshot")
    again = tfl.run_study("tiny.toml", seeds=[2], dataset="films.csv", progress=False)
    assert again.trained == 0 and set(again.cells["seed"]) == {2}
    told = json.loads((again.folder / "study.json").read_text())
    assert told["command"] == "bin/study --config tiny.toml --dataset films.csv --seeds 2-2"
    frame = pd.read_csv("films.csv").rename(columns={"text": "film", "label": "stars"})
    of_frame = tfl.run_study(
        "tiny.toml", seeds=[2], dataset=frame, text="film", label="stars",
        set={"data.skip_bad": True, "study.levels": (0.36,), "data.data_dir": "/mine"},
        progress=False,
    )  # fmt: skip
    told = json.loads((of_frame.folder / "study.json").read_text())
    words = shlex.split(told["command"])
    assert words[words.index("--dataset") + 1].startswith("memory:")
    assert [word for word in words if "=" in word] == [
        "data.skip_bad=true", "study.levels=[0.36]", "data.text_column=film",
        "data.label_column=stars",
    ]  # fmt: skip
    times = planned.simulate([1, 2])
    assert times["seconds"].iloc[0] >= times["seconds"].iloc[1] > 0
    assert list(times.columns) == ["workers", "seconds", "speed_up", "busy"] and len(times) == 2
    assert times["seconds"].iloc[0] == pytest.approx(times.work) and times.work > times.longest
    assert times.trainings == times.recorded == len(planned.runs) and len(times.chain) > 1
    assert set(times.chain) <= set(planned.runs["network"])
    enough = times.enough
    assert enough.seconds <= 1.05 * times.longest and str(enough.workers) in times.bounds[1]
    assert times.chain[-1] in times.bounds[0] and str(times.recorded) in times.sentence
    assert type(times[times["workers"] > 1]) is pd.DataFrame and "<table" in times._repr_html_()
    show_simulation(planned, [1, 2])
    shown = capsys.readouterr().out
    assert all(line in shown for line in (times.sentence, *times.bounds)) and "speed-up" in shown
    for odd in ([0], [2, -1], [], 3, [True], ["2"], [1.5]):
        with pytest.raises(tfl.UserError, match="workers"):
            planned.simulate(odd)


def test_a_study_of_a_ticket(found):
    planned = tfl.run_study(
        ticket=found.ticket, seeds=1, dry_run=True, progress=False,
        set={"study.levels": [0.36], "study.inits": ["original"]},
    )  # fmt: skip
    assert planned.runs["done"].sum() >= 3
    with pytest.raises(tfl.UserError, match="only study can be set"):
        tfl.run_study(ticket=found.ticket, set=SMALL)
    with pytest.raises(tfl.UserError, match="leave out --dataset"):
        tfl.run_study(ticket=found.ticket, dataset="meals.csv")


def test_a_transfer_is_a_value(found):
    moved = tfl.transfer(found.ticket, to="meals.csv", seeds=1, progress=False)
    assert len(moved.cells) == 5 and (moved.cells["state"] == "done").all()
    assert moved.trained > 0 and len(moved.answers) >= 3
    assert "<table" in moved._repr_html_()
    frame = pd.read_csv("meals.csv")
    again = tfl.transfer("tickets", to=frame, dry_run=True, progress=False)
    assert again.runs["done"].all()
    assert moved.report("moved").is_file()


def test_a_search_of_rates_is_a_value(found):
    space = {"tuning.learning_rate": [0.004, 0.01]}
    tuned = tfl.tune_learning_rate(found.ticket, set=space, progress=False)
    assert set(tuned.trials["learning_rate"]) == {0.004, 0.01}
    assert tuned.answers and "<table" in tuned._repr_html_()
    planned = tfl.tune_learning_rate(found.ticket, set=space, dry_run=True, progress=False)
    assert planned.runs["done"].all() and "networks x 2 trials" in planned.sentence


def test_a_search_of_rates_takes_what_python_has(monkeypatch):
    from tflottery.experiments.learning_rate import run

    monkeypatch.setattr(run, "_search", lambda *given: given[-1])
    frame = pd.read_csv("films.csv").rename(columns={"text": "film", "label": "stars"})
    levels, arms = np.array([0, 0.36]), np.array(["ticket"])
    told = tfl.tune_learning_rate(
        dataset=frame, text="film", label="stars", model="cnn", levels=levels, arms=arms,
        set={"data.skip_bad": True, "tuning.learning_rate": (0.004, 0.01)}, progress=False,
    )  # fmt: skip
    assert re.sub("memory:[0-9a-f]+", "MINE", told) == (
        "bin/tune_lr --dataset MINE --model cnn --levels 0,0.36 --arms ticket "
        "--set data.skip_bad=true --set 'tuning.learning_rate=[0.004, 0.01]' "
        "--set data.text_column=film --set data.label_column=stars"
    )


def test_an_export_is_a_value(found, tmp_path):
    done = tfl.export(found.ticket, tmp_path / "models", name="mine", progress=False)
    assert (done.name, done.version) == ("mine", 1) and "fresh process" in done.checked
    assert (done.folder / "saved_model.pb").is_file()
    with pytest.raises(tfl.UserError, match="goes with --structured"):
        tfl.export(found.ticket, sparsity=0.5)


def test_an_interrupted_call_leaves_a_store_that_goes_on(tmp_path, monkeypatch):
    from tflottery.training.trainer import Trainer

    train, calls = Trainer.train, []

    def interrupted(self, *arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return train(self, *arguments, **options)

    keywords = {"sparsity": 0.36, "set": SMALL, "progress": False, "store": tmp_path / "runs",
                "output": tmp_path / "tickets"}  # fmt: skip
    monkeypatch.setattr(Trainer, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tfl.find_ticket("films.csv", **keywords)
    assert len(tfl.Store(tmp_path / "runs").runs()) == 2 and not (tmp_path / "tickets").exists()
    monkeypatch.setattr(Trainer, "train", train)
    assert tfl.find_ticket("films.csv", **keywords).trained == 2


def test_numbers_of_numpys_are_numbers():
    planned = tfl.find_ticket(
        "films.csv", sparsity=np.float64(0.36), rate=np.float32(0.2), seed=np.int64(1),
        set={**SMALL, "training.epochs": np.int64(1)}, dry_run=True, progress=False,
    )  # fmt: skip
    assert planned.total == 4
    study = tfl.run_study(
        "tiny.toml", seeds=np.array([1, 2]), dataset="films.csv", dry_run=True, progress=False,
        set={"study.levels": np.array([0.36])},
    )  # fmt: skip
    assert len(study.runs) > 0


def test_many_rounds_are_no_longer_than_pythons_stack():
    planned = tfl.find_ticket("films.csv", rate=0.02, set=SMALL, dry_run=True, progress=False)
    assert len(planned.runs) > 250 and planned.missing > 250


def test_calls_go_together_in_one_process_and_leave_tensorflow_as_it_was(found, work):
    """Workers have threads of their own; nothing has to be seeded afterwards."""
    import tensorflow as tf
    import tf_keras as keras

    study = tfl.run_study(
        "tiny.toml", seeds=1, dataset="meals.csv", workers=1, threads=2, progress=False
    )
    assert study.trained == study.total > 0
    with pytest.raises(tfl.UserError, match="cannot change; give threads=1"):
        tfl.run_study("tiny.toml", seeds=1, dataset="meals.csv", threads=2)
    assert tf.random.uniform([2]).shape == (2,)
    model = found.ticket.build()
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    ids = found.ticket.vocabulary.encode(["great fun", "no heart"] * 8, max_length=12)
    padded = keras.utils.pad_sequences(ids, padding="post")
    model.fit(padded, pd.Series([1, 0] * 8).to_numpy(), epochs=1, verbose=0)
    for name, mask in found.ticket.masks.items():
        layer, _, weight = name.partition("/")
        if weight == "embeddings":
            assert not model.get_layer(layer).get_weights()[0][~mask].any()


def test_a_global_seed_of_the_users_changes_no_bit(found, tmp_path):
    import tf_keras as keras

    keras.utils.set_random_seed(123)
    again = tfl.find_ticket(
        "films.csv", sparsity=0.36, set=SMALL, progress=False, store=tmp_path / "runs",
        output=tmp_path / "tickets",
    )  # fmt: skip
    assert again.trained == 4
    assert same_arrays(again.ticket.final_weights, found.ticket.final_weights)

"""What an article calls its network: all that tells it from others in one report."""

from __future__ import annotations

import json

import pytest

from tests.recomputing import RESULTS
from tflottery.experiments import names

USUAL = {"data": {}, "model": {}, "pruning": {"scope": "layerwise", "criterion": "magnitude"}}


@pytest.mark.parametrize(
    ("changes", "called"),
    [
        ({}, "CNN on IMDB"),
        ({"pruning": None}, "CNN on IMDB"),
        ({"model": {"vectors": "vectors/glove.6B.50d.txt"}}, "CNN with glove.6B.50d on IMDB"),
        ({"data": {"split": "pooled"}}, "CNN on IMDB, pooled split"),
        ({"pruning": {"scope": "global"}}, "CNN on IMDB, scope global"),
        ({"pruning": {"criterion": "filters"}}, "CNN on IMDB, pruned by filters"),
        (
            {"pruning": {"scope": "lamp", "criterion": "snip"}},
            "CNN on IMDB, scope lamp, pruned by snip",
        ),
    ],
)
def test_a_network_is_called_by_what_is_not_usual(changes, called):
    assert names.network("cnn", "imdb", {**USUAL, **changes}) == called


def test_no_two_committed_studies_of_other_settings_are_called_alike():
    """Studies in one folder of results, unless seeds alone tell them apart."""
    for folder in {path.parent.parent for path in RESULTS.glob("*/data/*/study.json")}:
        found: dict[str, set[str]] = {}
        for path in folder.glob("*/study.json"):
            about = json.loads(path.read_text(encoding="utf-8"))
            called = names.network(about["model"], about["dataset"], about["config"])
            kept = {key: about["config"][key] for key in ("data", "pruning")}
            found.setdefault(called, set()).add(json.dumps(kept, sort_keys=True))
        for called, settings in found.items():
            assert len(settings) == 1, (folder, called)

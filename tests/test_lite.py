"""TFLite files of all networks give the scores of the Python models."""

from __future__ import annotations

import numpy as np
import pytest

from tests.exported import VOCABULARY, drawn
from tests.test_compaction import IDS, SIZES, network
from tflottery.exports.compaction import compact
from tflottery.exports.formats import tflite
from tflottery.exports.session import Process
from tflottery.exports.verification import scorer


@pytest.mark.parametrize("model", ["cnn", "stacked lstm", "stacked gru", "transformer"])
def test_a_compact_network_converts_and_keeps_its_scores(model, tmp_path):
    weights = drawn(SIZES[model])
    weights["embedding/embeddings"][3:7] = 0  # rows that are shared
    weights["embedding/embeddings"][:, 2] = 0  # a column that is removed, unless all add to it
    whole = network(model, weights)
    small = compact(whole)
    assert small.own_rows is not None and len(small.rows) == len(VOCABULARY)
    file = tmp_path / "m.tflite"
    file.write_bytes(tflite.convert(small, len(IDS)))
    with Process(file) as loaded:
        answer = loaded.run("ids", {"ids": IDS})
        found = answer["score"]
    # The plain model has the layers that are trained, with our own recurrent ones.
    expected = scorer(whole.plain())(IDS)[:, 1]
    assert np.ptp(expected) > 0.05
    assert np.array_equal(answer["label"], expected > 0.5)
    assert found == pytest.approx(expected, abs=1e-5)

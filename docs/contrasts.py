"""Writes the table of contrasts in claims.md from configs/claims.toml.

``python docs/contrasts.py`` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

from tflottery.experiments.claims import contrasts

PAGE = Path(__file__).parent / "claims.md"
BEGIN = "<!-- contrasts: python docs/contrasts.py writes this table from configs/claims.toml -->"
END = "<!-- end of contrasts -->"
# What the table calls the network of each study.
NETWORKS = {
    "study_cnn": "CNN",
    "study_cnn_global": "CNN whose layers compete",
    "study_lstm": "LSTM of 150 words",
    "study_lstm_long": "LSTM",
    "study_ag_news": "CNN on AG News",
    "study_cnn_glove": "CNN with GloVe",
    "study_lstm_glove": "LSTM with GloVe",
    "criteria_cnn": "CNN",
    "criteria_cnn_global": "CNN whose layers compete",
    "units_cnn": "CNN",
    "criteria_lstm": "LSTM",
    "note_cnn_small": "CNN, as the note trained",
    "note_lstm_small": "LSTM, as the note trained",
}


def written(page: str) -> str:
    """The page with the table as it is now."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{contrasts.table(contrasts.load(), NETWORKS)}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

"""Prints what each scope leaves of the parts of trained dense networks, as rows of Markdown.

    python docs/scopes.py STORE

``STORE`` is a folder of runs, which is only read. One-shot by magnitude, with nothing excluded; the
mean over the dense networks of each architecture, at 83.2 and 97.2 %.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from tflottery.experiments.study.sharing import PARTS, shares
from tflottery.models.architecture import Architecture
from tflottery.models.registry import ARCHITECTURES
from tflottery.pruning.scopes import SCOPES
from tflottery.runs.run import Run

LEVELS = (0.832, 0.972)
KINDS = {kind.__name__: kind for kind in ARCHITECTURES.values()}


def dense_runs(store: Path) -> Iterator[tuple[Architecture, Run]]:
    """The dense networks of this package in a store."""
    for document in sorted(store.glob("*/run.json")):
        spec = json.loads(document.read_text(encoding="utf-8"))["spec"]
        model = dict(spec["recipe"]["model"])
        kind = KINDS.get(model.pop("kind"))
        if spec["mask"]["kind"] == "Dense" and spec["init"]["kind"] == "Fresh" and kind:
            sizes = {key: tuple(x) if isinstance(x, list) else x for key, x in model.items()}
            yield kind(**sizes), Run(document.parent.name, document.parent)


def rows(store: Path) -> pd.DataFrame:
    """A row a network, scope, level and part: ``share`` is what is left of the part, in %."""
    found = []
    for architecture, run in dense_runs(store):
        given = shares(architecture, run.masks(), run.snapshot("end"), LEVELS)
        found += [{"model": architecture.name, "key": run.key, **row} for row in given]
    frame = pd.DataFrame(found)
    return frame.assign(share=100 * frame["remaining"] / frame["total"])


def main(store: Path) -> None:
    for model, of_model in rows(store).groupby("model"):
        sizes = of_model.groupby("part")["total"].first()
        parts = [part for part in PARTS if part in sizes]
        networks = of_model["key"].nunique()
        print(f"\n{model}: {networks} network{'s' * (networks > 1)}; weights:",
              ", ".join(f"{part} {sizes[part]:,}" for part in parts))  # fmt: skip
        print("| scope | " + " | ".join(f"{p}, {100 * one:.1f} %" for one in LEVELS for p in parts))
        means = of_model.groupby(["scope", "level", "part"])["share"].mean()
        for scope in SCOPES:
            cells = [
                f"{means[scope, level, part]:.1f}" if (scope, level, part) in means else "–"
                for level in LEVELS
                for part in parts
            ]
            print(f"| `{scope}` | {' | '.join(cells)} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

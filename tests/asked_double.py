"""A process that the benchmarks ask, without a network: ``tests/test_benchmarks.py`` starts it."""

from __future__ import annotations

import os
import sys
from typing import Any

from benchmarks.asked import Answer, serve


def begin(first: Any) -> tuple[dict[str, Any], Answer]:
    print("a library says something")

    def answer(question: Any) -> Any:
        if question == "fail":
            raise ValueError("cannot be done")
        if question == "die":
            print("the last words", file=sys.stderr, flush=True)
            os._exit(3)
        return {"asked": question}

    onednn = os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "1"
    return {"onednn": onednn, "first": first}, answer


if __name__ == "__main__":
    serve(begin)

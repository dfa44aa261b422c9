"""``python -m tflottery <command>``: what ``tflottery <command>`` does."""

from __future__ import annotations

import sys

from tflottery.cli.__main__ import main

if __name__ == "__main__":
    sys.exit(main(sys.orig_argv[0], "-m", "tflottery"))

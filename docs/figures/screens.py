"""Takes the pictures of pages that commands make: ``words.png`` and ``page.png``.

    bin/find_ticket --dataset toy --sparsity 0.832
    bin/export --ticket tickets --compact --format web
    bin/predict --model saved_models/toy-cnn --explain --output words.html \\
      "The plot is dull, but the score is superb." "The ending is by no means dull."
    bin/evaluate --model saved_models/toy-cnn --dataset toy --words 0 --output worth
    python docs/figures/screens.py saved_models/toy-cnn/1/page.html words.html
    cp worth/calibration.png docs/figures/

It needs chromium and playwright, as the tests do.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
_WIDTH = 640
TEXT = "The plot is dull, but the score is superb."


def main(page_file: Path, words_file: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": _WIDTH, "height": 200})
        page.goto(words_file.resolve().as_uri())
        page.screenshot(path=HERE / "words.png", full_page=True)
        page.goto(page_file.resolve().as_uri(), wait_until="commit")
        page.wait_for_selector("textarea:enabled")
        page.fill("textarea", TEXT)
        page.wait_for_selector("#words span")
        page.screenshot(path=HERE / "page.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

"""Prints how long a browser takes over texts in the page that ``bin/export --format web`` writes.

    python docs/page_speed.py saved_models/imdb-cnn/1/page.html reviews.txt

A text a line. A time is from the moment at which the text stands in the page to the moment at which
its score and what each word did are shown. It needs chromium and playwright, as the tests do.
"""

from __future__ import annotations

import shutil
import statistics
import sys
from pathlib import Path

_TIMED = """text => new Promise(done => {
  const box = document.getElementById("text"), words = document.getElementById("words");
  let begun;
  new MutationObserver((_, observer) => {
    observer.disconnect();
    done([performance.now() - begun, words.querySelectorAll("span").length]);
  }).observe(words, { childList: true });
  box.value = text;
  begun = performance.now();
  box.dispatchEvent(new Event("input"));
})"""


def times(page_file: Path, texts: list[str]) -> tuple[float, list[tuple[float, int]]]:
    """Milliseconds until the page can be typed into; and for each text milliseconds, and how many
    words the model reads of it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(page_file.resolve().as_uri(), wait_until="commit")
        page.wait_for_selector("textarea:enabled")
        ready = float(page.evaluate("performance.now()"))
        found = [tuple(page.evaluate(_TIMED, text)) for text in texts]
        browser.close()
    return ready, found


def main(page_file: Path, texts: Path) -> None:
    lines = [line for line in texts.read_text(encoding="utf-8").splitlines() if line.strip()]
    ready, found = times(page_file, lines)
    print(f"ready after {ready:,.0f} ms")
    each = [milliseconds for milliseconds, _ in found]
    words = [number for _, number in found]
    print(
        f"{len(found)} texts of {min(words)} to {max(words)} words: score and words after "
        f"{statistics.median(each):,.0f} ms (median), {max(each):,.0f} ms (longest)"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

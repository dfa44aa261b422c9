"""Debian's chromium, headless, for the tests that open pages as a person does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_DEBIAN = Path("/usr/bin/chromium")
_QUIET = (
    "--no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
# On a busy machine a renderer begins late.
_PATIENCE = 180_000


def lacking(reason: str) -> None:
    """Skips what needs something that this machine lacks; fails in CI, which has to have it."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI needs it: {reason}")
    pytest.skip(reason)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; playwright's own are not needed."""
    path = str(_DEBIAN) if _DEBIAN.exists() else shutil.which("chromium")
    if path is None:
        lacking("no chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path, headless=True, args=_QUIET, timeout=_PATIENCE
        )
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A page that is opened from a folder, and what it did.

    Attributes:
        page: the page.
        requests: the addresses that it asked for, its own first.
        troubles: what it said on the console, its errors, and what it asked for in vain.
    """

    def __init__(self, browser: Browser, file: Path, **options: object) -> None:
        self.requests: list[str] = []
        self.troubles: list[str] = []
        self.page: Page = browser.new_page(**options)
        self.page.set_default_timeout(_PATIENCE)
        self.page.on("requestfailed", lambda request: self.troubles.append(request.url))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.troubles.append(message.text))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.goto(file.as_uri())

    def require_alone(self) -> None:
        """Nothing failed, and no network was asked for anything."""
        assert self.troubles == []
        assert [url for url in self.requests
                if not url.startswith(("file:", "data:", "blob:"))] == []  # fmt: skip

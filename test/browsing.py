# Copyright 2026 xmodal_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""A real browser for tests of pages: Debian's Chromium, driven by Playwright."""

from collections.abc import Iterator
from contextlib import contextmanager
import shutil
from typing import Literal

from playwright.sync_api import Browser, Error, Page, sync_playwright
import pytest

from test.waiting import PATIENCE_S

_PHONE_WIDTH = 500
_PATIENCE_MS = 1000 * PATIENCE_S


@contextmanager
def started_browser() -> Iterator[Browser]:
    """Start Chromium without a window, or skip the test where there is none."""
    program = shutil.which('chromium')
    if program is None:
        pytest.skip('no browser: install Debian package chromium, or run `make test` as root')
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            # Tests may run as root, and containers have little shared memory.
            args=['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
            timeout=_PATIENCE_MS,
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Browser,
    url: str,
    size: tuple[int, int] = (1280, 900),
    scheme: Literal['light', 'dark'] = 'light',
) -> Iterator[Page]:
    """Open a page at a size in CSS pixels; whatever it reports as an error fails the test."""
    width, height = size
    context = browser.new_context(
        viewport={'width': width, 'height': height},
        color_scheme=scheme,
        has_touch=width < _PHONE_WIDTH,
    )
    context.set_default_timeout(_PATIENCE_MS)
    complaints: list[str] = []
    page = context.new_page()

    def hear_error(error: Error) -> None:
        complaints.append(str(error))

    page.on('pageerror', hear_error)
    page.on(
        'console',
        lambda message: complaints.append(message.text) if message.type == 'error' else None,
    )
    try:
        page.goto(url)
        yield page
    finally:
        context.close()
    assert not complaints, complaints

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

from pathlib import Path

import pytest

pytest.importorskip('playwright')

from playwright.sync_api import Browser

from test.browsing import opened


@pytest.fixture
def a_page(tmp_path: Path) -> str:
    path = tmp_path / 'page.html'
    path.write_text(
        '<p id=a></p><script>a.textContent = matchMedia("(width < 500px)").matches</script>'
    )
    return path.as_uri()


def test_a_page_is_shown_at_the_size_asked_for(browser: Browser, a_page: str) -> None:
    with opened(browser, a_page, (390, 844)) as page:
        assert page.inner_text('#a') == 'true'
    with opened(browser, a_page) as page:
        assert page.inner_text('#a') == 'false'


def test_an_error_in_a_page_fails_the_test(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / 'broken.html'
    path.write_text('<script>nothing.here()</script>')
    with (
        pytest.raises(AssertionError, match='nothing is not defined'),
        opened(browser, path.as_uri()),
    ):
        pass

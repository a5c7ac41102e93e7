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

"""Take ``report.png`` of a report: ``python docs/pictures/report.py REPORT.html``.

Its report is of an IMU's and a camera's model, 8 and 6 epochs on two of four simulated people
(``--minutes 2 --seed 3``), evaluated on the two others with ``--selector fuse``.
"""

import io
from pathlib import Path
import sys

from PIL import Image
from playwright.sync_api import sync_playwright

_WIDTH, _HEIGHT = 1000, 900
_COLOURS = 255


def main() -> None:
    """Photograph the timeline of the report that is named."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path='/usr/bin/chromium')
        page = browser.new_page(viewport={'width': _WIDTH, 'height': _HEIGHT})
        page.goto(Path(sys.argv[1]).resolve().as_uri())
        page.wait_for_load_state('networkidle')
        heading = page.get_by_text('What was decided when')
        heading.evaluate('element => element.scrollIntoView()')
        page.wait_for_timeout(2000)
        taken = page.screenshot()
        browser.close()
    picture = (
        Image.open(io.BytesIO(taken)).convert('RGB').quantize(_COLOURS, Image.Quantize.MAXCOVERAGE)
    )
    picture.save(Path(__file__).with_suffix('.png'), optimize=True)


if __name__ == '__main__':
    main()

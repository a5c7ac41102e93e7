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

"""Labels from Audacity: a label track exported as text, ``start<tab>end<tab>label`` a line.

Times are seconds from the recording's start on. Lines that begin with a backslash, in which
Audacity keeps ranges of frequency, are left out.
"""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from xmodal_ros.bags.label_rows import in_order, LabelledSpan, make_segment
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError
from xmodal_ros.text_file import read_text

_SECOND_NS: Final = 1_000_000_000
_MOST_SECONDS: Final = Decimal(1 << 34)


def read_audacity(file: Path, span: LabelledSpan) -> tuple[Segment, ...]:
    """Read the segments in a label track; raises :class:`BagError` with file and line."""
    lines = read_text(file, 'labels in').splitlines()
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith('\\'):
            continue
        where, cells = f'{file}:{number}', line.split('\t')
        if len(cells) != 3:
            raise BagError(
                f'{where}: a line of a label track is start, end and label, with tabs between; '
                f'this one has {len(cells)} parts'
            )
        start, end = (_time(where, cell, span) for cell in cells[:2])
        if start[1] == end[1]:
            raise BagError(f'{where}: {cells[2].strip()!r} is a point: draw it as a region')
        segment = make_segment(where, cells[2].strip(), start, end, span)
        rows.append((where, f'line {number}', segment))
    if not rows:
        raise BagError(f'{file}: no labels: export the label track again or remove the file')
    return in_order(rows)


def _time(where: str, text: str, span: LabelledSpan) -> tuple[str, int]:
    try:
        # In some languages Audacity writes a decimal comma.
        seconds = Decimal(text.strip().replace(',', '.'))
    except InvalidOperation:
        raise BagError(f'{where}: {text!r} is no number of seconds') from None
    if not seconds.is_finite():
        raise BagError(f'{where}: {text!r} is no number of seconds')
    seconds = max(-_MOST_SECONDS, min(seconds, _MOST_SECONDS))
    return text.strip(), span.start_ns + int(seconds * _SECOND_NS)

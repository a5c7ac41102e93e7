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

"""Labels from ELAN (Max Planck Institute for Psycholinguistics): ``.eaf`` files.

Annotations of one tier count: the one named ``activity`` (or ``activities``, ``label``,
``labels``), else the only one that is aligned to time. Times count from the recording's start on,
in milliseconds; what the first media file is shifted by in ELAN is added.
"""

from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from xmodal_ros.bags.label_rows import in_order, LabelledSpan, make_segment
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError

_TIERS: Final = ('activity', 'activities', 'label', 'labels')
_MILLISECOND_NS: Final = 1_000_000


def read_elan(file: Path, span: LabelledSpan) -> tuple[Segment, ...]:
    """Read the segments in an ELAN file; raises :class:`BagError` with file and annotation."""
    try:
        text = file.read_bytes()
        # ELAN writes no document type; one can make a small file expand to gigabytes.
        if b'<!DOCTYPE' in text or b'<!ENTITY' in text:
            raise BagError(f'{file}: a document type is none of ELAN: save it with ELAN anew')
        root = ET.fromstring(text)  # noqa: S314 - without a document type it is harmless
    except (OSError, ET.ParseError) as error:
        raise BagError(f'labels in {str(file)!r} cannot be read: {error}') from error
    tier = _tier(file, root)
    times = _times(file, root)
    shift = _number(file, root.find('HEADER/MEDIA_DESCRIPTOR'), 'TIME_ORIGIN') or 0
    rows = []
    for annotation in tier.iter('ALIGNABLE_ANNOTATION'):
        name = annotation.get('ANNOTATION_ID', '?')
        where = f'{file}: annotation {name}'
        ends = []
        for key in ('TIME_SLOT_REF1', 'TIME_SLOT_REF2'):
            time_ms = times.get(annotation.get(key, ''))
            if time_ms is None:
                raise BagError(f'{where}: it has no time of its own: align it in ELAN')
            ends.append((f'{time_ms} ms', span.start_ns + (time_ms + shift) * _MILLISECOND_NS))
        label = (annotation.findtext('ANNOTATION_VALUE') or '').strip()
        rows.append(
            (where, f'annotation {name}', make_segment(where, label, ends[0], ends[1], span))
        )
    if not rows:
        raise BagError(
            f'{file}: tier {tier.get("TIER_ID")!r} holds no labels: add some or remove the file'
        )
    return in_order(rows)


def _tier(file: Path, root: ET.Element) -> ET.Element:
    tiers = root.findall('TIER')
    named = [tier for tier in tiers if tier.get('TIER_ID', '').strip().casefold() in _TIERS]
    aligned = [tier for tier in tiers if tier.find('.//ALIGNABLE_ANNOTATION') is not None]
    for found in (named, aligned):
        if len(found) == 1:
            return found[0]
    names = ', '.join(repr(tier.get('TIER_ID', '')) for tier in aligned)
    raise BagError(
        f'{file}: which tier holds the labels? Name one of {names} activity'
        if aligned
        else f'{file}: no tier holds labels with times: add some or remove the file'
    )


def _times(file: Path, root: ET.Element) -> dict[str, int]:
    times = {}
    for slot in root.iterfind('TIME_ORDER/TIME_SLOT'):
        value = _number(file, slot, 'TIME_VALUE')
        if value is not None:
            times[slot.get('TIME_SLOT_ID', '')] = value
    return times


def _number(file: Path, element: ET.Element | None, key: str) -> int | None:
    text = None if element is None else element.get(key)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise BagError(f'{file}: {key} {text!r} is no number of milliseconds') from None

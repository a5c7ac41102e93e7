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

"""What the page sends and gets, as JSON; arrays travel as base64 of little-endian numbers."""

from dataclasses import asdict
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError
from xmodal_ros.labelling.bag_queue import BagQueue
from xmodal_ros.labelling.blocks import Block, BLOCK_NS, scales
from xmodal_ros.labelling.recording import Recording
from xmodal_ros.labelling.session import LabelSession, LabelState
from xmodal_ros.media.lane import KINDS
from xmodal_ros.media.tracks import Track

_FURTHEST_NS: Final = 1 << 53
_MOST_SEGMENTS: Final = 100_000

_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Tab = Annotated[str, Field(min_length=1, max_length=100)]
# Of a recording's start; whole numbers that JavaScript holds exactly.
_Nanoseconds = Annotated[int, Field(ge=-_FURTHEST_NS, le=_FURTHEST_NS)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra='forbid', strict=True)


class TabDocument(_Document):
    """A tab opens or leaves a bag, or ``take`` s it over from another."""

    tab: _Tab
    take: bool = False


class ActivitiesDocument(_Document):
    """The activities to choose from, in the order of their keys."""

    activities: Annotated[list[_Name], Field(max_length=1000)]


class SegmentDocument(_Document):
    """A segment; times count from the start of the recording, in nanoseconds."""

    start: _Nanoseconds
    end: _Nanoseconds
    label: _Name


class LabelsDocument(_Document):
    """All labels of a bag as a tab has them, and which state of the file it knows."""

    tab: _Tab
    revision: Annotated[int, Field(ge=0)]
    disk: Annotated[str, Field(max_length=1000)]
    segments: Annotated[list[SegmentDocument], Field(max_length=_MOST_SEGMENTS)]

    def given(self, start_ns: int) -> tuple[Segment, ...]:
        """Give the segments in source time, for a recording from ``start_ns`` on."""
        return tuple(Segment(start_ns + s.start, start_ns + s.end, s.label) for s in self.segments)


def queue_document(queue: BagQueue) -> dict[str, Any]:
    """Describe the bags and activities."""
    return {
        'bags': [asdict(progress) for progress in queue.progress()],
        'activities': list(queue.activities),
        'first': queue.first(),
    }


def bag_document(recording: Recording, session: LabelSession, state: LabelState) -> dict[str, Any]:
    """Describe one bag to a tab that opens it."""
    return {
        'name': recording.name,
        'subject': recording.subject,
        'path': str(session.path),
        'file': str(session.file),
        'start_ns': str(recording.start_ns),
        'duration': recording.end_ns - recording.start_ns,
        'blocks': recording.block_count,
        'block': BLOCK_NS,
        'tracks': [_track(track) for track in recording.tracks],
        'offers': session.offers,
        'labels': state_document(session, state),
    }


def _track(track: Track) -> dict[str, Any]:
    return {
        'name': track.sensor.name,
        'modality': track.sensor.modality,
        'kind': track.lane.kind if track.lane else None,
        'problem': track.problem,
        'warning': track.warning,
        **(track.lane.facts() if track.lane else {}),
    }


def offer_document(session: LabelSession) -> dict[str, Any]:
    """Give the labels from elsewhere that may serve as a start, or why they cannot be read."""
    offered: tuple[Segment, ...] = ()
    problem = ''
    try:
        offered = session.offer()
    except BagError as error:
        problem = str(error)
    return {
        'from': session.offers,
        'segments': _segments(offered, session.start_ns),
        'problem': problem,
    }


def state_document(session: LabelSession, state: LabelState) -> dict[str, Any]:
    """Describe the labels of a bag."""
    return {**asdict(state), 'segments': _segments(state.segments, session.start_ns)}


def _segments(segments: tuple[Segment, ...], start_ns: int) -> list[dict[str, Any]]:
    return [
        {'start': s.start_ns - start_ns, 'end': s.end_ns - start_ns, 'label': s.label}
        for s in segments
    ]


def block_document(block: Block, start_ns: int) -> dict[str, dict[int, Any]]:
    """Give a block by kind and track, without its sound, which goes on its own."""
    found: dict[str, dict[int, Any]] = {kind: {} for kind in KINDS}
    for number, strip in block.items():
        found[strip.kind][number] = strip.document(start_ns)
    return found


def overview_document(recording: Recording, first: int) -> dict[str, Any]:
    """Give the overview from block ``first`` on, and the ranges in all of it, as far as made."""
    glances = recording.glances(0)
    return {
        'glances': [block_document(each, recording.start_ns) for each in glances[first:]],
        'scales': scales(glances) if glances[first:] else {},
        'damage': recording.damage,
    }

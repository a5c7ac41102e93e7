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

"""What the sensors of a recording saw, felt and heard, small enough to put into a page."""

from dataclasses import dataclass
from typing import Any

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.media.film import Film
from xmodal_ros.media.lane import fill, Kind, KINDS
from xmodal_ros.media.motion import Trace
from xmodal_ros.media.sound import Sound
from xmodal_ros.media.span import Span
from xmodal_ros.media.tracks import find_tracks


@dataclass(frozen=True, eq=False)
class Media:
    """The thumbnails, traces and spectrograms of one recording.

    ``missing`` says in words which sensors could not be shown, and why.
    """

    films: tuple[Film, ...] = ()
    traces: tuple[Trace, ...] = ()
    sounds: tuple[Sound, ...] = ()
    missing: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Give all of it as JSON for a page that holds it."""
        rows = {kind: [each.row() for each in getattr(self, kind)] for kind in KINDS}
        return rows | {'missing': list(self.missing)}


def read_media(reader: BagReader, span: Span, budget: int) -> Media:
    """Read what all sensors of a recording gave during ``span``, in at most ``budget`` bytes.

    The budget is divided over the sensors; where it is small there are fewer and coarser
    pictures, columns and points. One pass over the recording. Messages that cannot be decoded are
    left out. Raises :class:`BagError` where the recording is damaged.
    """
    tracks = find_tracks(reader)
    shown = [(track.sensor.topic, track.lane) for track in tracks if track.lane]
    a_share = max(1, budget // max(1, sum(lane.share for _, lane in shown)))
    lanes = [(topic, lane.over(span, a_share * lane.share)) for topic, lane in shown]
    fill(reader, lanes)
    rows: dict[Kind, list[Any]] = {kind: [] for kind in KINDS}
    for _, lane in lanes:
        rows[lane.kind] += lane.finish().rows(a_share * lane.share)
    missing = tuple(f'{each.sensor.name}: {each.problem}' for each in tracks if each.problem)
    return Media(
        films=tuple(rows['films']),
        traces=tuple(rows['traces']),
        sounds=tuple(rows['sounds']),
        missing=missing,
    )

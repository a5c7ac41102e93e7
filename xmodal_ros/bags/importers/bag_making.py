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

"""How every importer makes a bag: whole or not at all, and kept where it is there already."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from xmodal_ros.bags.labels import read_segments, write_segments
from xmodal_ros.bags.opening import is_recording
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter, replacing
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.file import Record
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.paths import is_there

SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * SECOND_NS
# m/s² in a g, as data sets count.
STANDARD_GRAVITY: Final = 9.80665
# Longer than any usual window, so that no window holds two clips.
GAP_NS: Final = 4 * SECOND_NS


@dataclass(frozen=True)
class SensorData:
    """A stretch of a recording: what was done in it, and its messages in order of time."""

    segments: Sequence[Segment]
    records: Iterable[Record]


@dataclass(frozen=True)
class BagPlan:
    """What a bag is to hold apart from its messages.

    ``importer`` names the import and all that decides its content, ``segments`` counts its
    labels: a bag that has both is not made again.
    """

    path: Path
    importer: str
    subject: str
    sensors: Sequence[Sensor]
    segments: int
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class ImportedBag:
    """One subject's bag with its number of labelled segments; ``kept`` if it was there already."""

    path: Path
    subject: str
    clips: int
    kept: bool


def make_bag(plan: BagPlan, parts: Iterable[SensorData], *, force: bool = False) -> ImportedBag:
    """Write a bag, or keep the complete one of an earlier import unless ``force``.

    Raises :class:`BagError` when another bag or anything else is in the way. ``parts`` are only
    asked for when they are written.
    """
    kept = _can_be_kept(plan, force=force)
    if not kept:
        metadata = {**plan.metadata, 'importer': plan.importer}
        with (
            replacing(plan.path) as place,
            BagWriter(
                place, sensors=plan.sensors, subject=plan.subject, metadata=metadata
            ) as writer,
        ):
            for part in parts:
                write_segments(writer, part.segments)
                for record in part.records:
                    writer.write(
                        record.topic,
                        record.msgtype,
                        record.stamp_ns,
                        record.data,
                        latched=record.latched,
                    )
    return ImportedBag(plan.path, plan.subject, plan.segments, kept)


def _can_be_kept(plan: BagPlan, *, force: bool) -> bool:
    path = plan.path
    if not is_there(path):
        return False
    if force:
        if not is_recording(path):
            raise BagError(f'{str(path)!r} is no bag and is not removed: choose another folder')
        return False
    try:
        with BagReader(path) as reader:
            made_by = reader.metadata.get('importer')
            complete = made_by == plan.importer and len(read_segments(reader)) == plan.segments
    except BagError:
        complete = False
    if not complete:
        raise BagError(
            f'{str(path)!r} is there but is not this import of its subject: give --force to '
            'replace it, or another folder'
        )
    return True


def next_second(stamp_ns: int) -> int:
    """Give the first whole second at or after a stamp: windows of every usual hop start there."""
    return -(-stamp_ns // SECOND_NS) * SECOND_NS


def schedule(start_ns: int, clips: Iterable[tuple[int, str]]) -> tuple[Segment, ...]:
    """Place clips, each of a duration in ns and an activity, in time.

    They start on whole seconds, the first at ``start_ns``, with gaps longer than a window between.
    """
    segments: list[Segment] = []
    for duration_ns, label in clips:
        if segments:
            start_ns = next_second(segments[-1].end_ns + GAP_NS)
        segments.append(Segment(start_ns, start_ns + duration_ns, label))
    return tuple(segments)


def chosen(wanted: Collection[int], there: Iterable[int], what: str) -> tuple[int, ...]:
    """Give the numbers ``wanted`` in order, or all that are ``there`` where none is.

    Raises :class:`BagError` for one that is not there; ``what`` says of what they are numbers:
    'UTD-MHAD has no subject'.
    """
    known = sorted(set(there))
    if unknown := set(wanted) - set(known):
        raise BagError(
            f'{what} {", ".join(map(str, sorted(unknown)))}; it has {", ".join(map(str, known))}'
        )
    return tuple(sorted(set(wanted))) or tuple(known)

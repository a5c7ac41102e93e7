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

"""A stretch of time in which one activity is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Segment:
    """The activity ``label`` is done during ``[start_ns, end_ns)``, in source time."""

    start_ns: int
    end_ns: int
    label: str


def about_unseen(unseen: int, segments: int) -> str:
    """Say that ``unseen`` of so many labelled segments lie where a sensor gave nothing."""
    return (
        f'{unseen} of {segments} labelled segments lie where it has no data: do its stamps and '
        'the labels come from the same clock? Labels of std_msgs/String count by when they were '
        'recorded, and clocks.yaml moves stamps'
    )


def relabelled(segments: Sequence[Segment], names: Mapping[str, str]) -> tuple[Segment, ...]:
    """Give segments with other labels, where ``names`` has any for theirs."""
    return tuple(
        replace(segment, label=names.get(segment.label, segment.label)) for segment in segments
    )

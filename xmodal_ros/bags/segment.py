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

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from xmodal_ros.windows.windowing import WindowingSpec


@dataclass(frozen=True)
class Segment:
    """The activity ``label`` is done during ``[start_ns, end_ns)``, in source time."""

    start_ns: int
    end_ns: int
    label: str


def count_unseen(
    segments: Sequence[Segment], ends_ns: Collection[int], window: WindowingSpec
) -> int:
    """Count segments that lie more than a hop before the first window or after the last."""
    if not ends_ns:
        return 0
    # Data may begin up to a hop before the first window, as they may go on after the last.
    begin_ns = min(ends_ns) - window.length_ns - window.hop_ns
    end_ns = max(ends_ns) + window.hop_ns
    return sum(each.end_ns <= begin_ns or each.start_ns >= end_ns for each in segments)


def about_unseen(unseen: int, segments: int, windows: int) -> Iterator[str]:
    """Say that ``unseen`` of so many labelled segments lie where a sensor gave nothing, or all."""
    if segments and not windows:
        yield (
            f'none of its {segments} labelled segments is used, for it gives no window: do its '
            'data last as long as one?'
        )
    elif unseen:
        yield (
            f'{unseen} of {segments} labelled segments lie where it has no data: do its stamps '
            'and the labels come from the same clock? Labels of std_msgs/String count by when '
            'they were recorded, and clocks.yaml moves stamps'
        )


def relabelled(segments: Sequence[Segment], names: Mapping[str, str]) -> tuple[Segment, ...]:
    """Give segments with other labels, where ``names`` has any for theirs."""
    return tuple(
        replace(segment, label=names.get(segment.label, segment.label)) for segment in segments
    )

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

"""Labels and clocks for tests of the selector."""

from collections.abc import Iterable, Sequence

from xmodal_ros.runtime.label import Label, Scores
from xmodal_ros.runtime.selector import Decision, Selector
from xmodal_ros.runtime.selector_settings import SelectorSettings, SourceSettings

SECOND = 1_000_000_000
HOP = SECOND // 2
EPOCH = 1_700_000_000 * SECOND

# The better sensor goes first.
IMU = SourceSettings('imu', priority=2, accuracy=0.85)
CAMERA = SourceSettings('camera', priority=1, accuracy=0.75)
SETTINGS = SelectorSettings((CAMERA, IMU))

WALK: Scores = (('walk', 0.7), ('sit', 0.3))
SIT: Scores = (('sit', 0.9), ('walk', 0.1))
UNSURE: Scores = (('unknown', 0.4), ('walk', 0.6), ('sit', 0.4))
NOTHING: Scores = (('unknown', 1.0),)

Event = tuple[str, Label]


class SteadyClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def label(seconds: float, scores: Scores = WALK, frame_id: str = 'link') -> Label:
    return Label(EPOCH + round(seconds * SECOND), frame_id, scores)


def said(name: str, times: Iterable[float], scores: Scores = WALK) -> list[Event]:
    return [(name, label(seconds, scores)) for seconds in times]


def hops(start: float, stop: float, step: float = 0.5) -> list[float]:
    return [start + k * step for k in range(round((stop - start) / step))]


def together(*streams: Sequence[Event]) -> list[Event]:
    """Interleave by stamp; of equal stamps the first stream's comes first."""
    return sorted((each for stream in streams for each in stream), key=lambda e: e[1].stamp_ns)


def decide(selector: Selector, events: Iterable[Event]) -> list[Decision]:
    return [decision for name, each in events for decision in selector.push(name, each)]


def seconds_of(decision: Decision) -> float:
    return (decision.stamp_ns - EPOCH) / SECOND


def sources_at(decisions: Iterable[Decision]) -> list[tuple[float, str]]:
    return [(seconds_of(each), each.source) for each in decisions]

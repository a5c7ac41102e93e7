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

"""Decisions and reports as ROS messages, and message types by name."""

from collections.abc import Sequence
from typing import Final, TYPE_CHECKING

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_msgs.msg import Header
from vision_msgs.msg import Classification, LabelInfo, ObjectHypothesis, VisionClass

from xmodal_ros.ros.message_class import message_class as message_class
from xmodal_ros.runtime.health import Level, Report

if TYPE_CHECKING:
    from xmodal_ros.runtime.watching import LabelHeard

_SECOND_NS: Final = 1_000_000_000

# What of a node its status is about, as tools show it.
_TASK: Final = 'health'
_LEVELS: Final[dict[Level, bytes]] = {
    'ok': DiagnosticStatus.OK,
    'warning': DiagnosticStatus.WARN,
    'error': DiagnosticStatus.ERROR,
}


def to_time(stamp_ns: int) -> Time:
    """Turn nanoseconds into a time; raises AssertionError where 32 bits of seconds overflow."""
    seconds, nanoseconds = divmod(stamp_ns, _SECOND_NS)
    return Time(sec=seconds, nanosec=nanoseconds)


def to_nanoseconds(time: Time) -> int:
    """Turn a time into nanoseconds."""
    return int(time.sec) * _SECOND_NS + int(time.nanosec)


def classification(
    stamp_ns: int, frame_id: str, scores: Sequence[tuple[str, float]]
) -> Classification:
    """Make the message for one decision; ``scores`` come with the decision first."""
    return Classification(
        header=Header(stamp=to_time(stamp_ns), frame_id=frame_id),
        results=[ObjectHypothesis(class_id=name, score=score) for name, score in scores],
    )


def label_info(stamp: Time, labels: Sequence[str], threshold: float) -> LabelInfo:
    """Make the message that lists a model's classes and its threshold for ``unknown``."""
    return LabelInfo(
        header=Header(stamp=stamp),
        class_map=[
            VisionClass(class_id=index, class_name=name) for index, name in enumerate(labels)
        ],
        threshold=threshold,
    )


def diagnostics(stamp: Time, name: str, hardware: str, report: Report) -> DiagnosticArray:
    """Make the message for one report of the node ``name``."""
    status = DiagnosticStatus(
        level=_LEVELS[report.level],
        name=f'{name}: {_TASK}',
        message=report.message,
        hardware_id=hardware,
        values=[KeyValue(key=key, value=value) for key, value in report.values],
    )
    return DiagnosticArray(header=Header(stamp=stamp), status=[status])


def reporting_node(status: DiagnosticStatus) -> str:
    """Give the node that a status is of: names are ``node: task``, as those of others are."""
    return str(status.name).partition(': ')[0]


def read_said(status: DiagnosticStatus) -> 'LabelHeard':
    """Read back one status of diagnostics; levels that are not known are errors."""
    # Here, for most nodes only write them.
    from xmodal_ros.runtime.watching import LabelHeard

    levels = {number: level for level, number in _LEVELS.items()}
    return LabelHeard(
        levels.get(status.level, 'error'),
        status.message,
        status.hardware_id,
        {item.key: item.value for item in status.values},
    )

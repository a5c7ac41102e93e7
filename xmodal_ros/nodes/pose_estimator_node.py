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

"""The node ``pose_estimator``: finds a person's joints in a camera's pictures."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
import time
from typing import Any

from geometry_msgs.msg import PoseArray

from xmodal_ros.paths import user_path
from xmodal_ros.pose.estimator import PoseEstimator
from xmodal_ros.pose.loading import load_estimator
from xmodal_ros.pose.messages import skeleton_message
from xmodal_ros.ros import parameter_tables, parameters, qos
from xmodal_ros.ros.diagnostics import ListeningNode
from xmodal_ros.ros.image_topic import read_images
from xmodal_ros.ros.lifecycle import guarded
from xmodal_ros.ros.topic_reader import resolved, TopicReader
from xmodal_ros.runtime.event_driven import EventThread
from xmodal_ros.runtime.health import (
    DROPPED,
    FAILURES,
    idle_report,
    in_words,
    INPUTS,
    OUTPUTS,
    RECEIVED,
    Report,
    STATE,
)
from xmodal_ros.streams.sample import DecodeError

_SILENCE_S = 2.0


@dataclass
class _Counts:
    """What has come of pictures since the node was activated."""

    received: int = 0
    published: int = 0
    nobody: int = 0
    passed_over: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    refusal: str = ''
    failures: int = 0
    failures_told: int = 0
    seen: bool = False
    took_s: float = 0.0
    heard_s: float = field(default_factory=time.monotonic)


class PoseEstimatorNode(ListeningNode):
    """Publishes the skeleton in the newest picture; see docs/pose_estimator.md.

    Pictures are taken and looked at in one thread; the executor's follows the graph and reports.
    ``load`` makes the estimator of the path of its weights.
    """

    def __init__(
        self, load: Callable[[Path | None], PoseEstimator] = load_estimator, **options: Any
    ) -> None:
        self._load = load
        self._estimator: PoseEstimator | None = None
        self._images: TopicReader | None = None
        self._looking: EventThread | None = None
        self._skeleton: Any = None
        self._anew = False
        self._counts = _Counts()
        super().__init__(
            'pose_estimator', 'pose estimator', parameter_tables.POSE_ESTIMATOR, **options
        )

    def configure(self) -> None:
        """Load the nets, and announce the topic."""
        resolved(self, parameters.text(self, 'image_topic'))
        named = parameters.text(self, 'weights')
        self._estimator = self._load(user_path(named) if named else None)
        self._skeleton = self.create_lifecycle_publisher(PoseArray, 'skeleton', qos.RELIABLE)

    def activate(self) -> None:
        """Begin to look at pictures."""
        self._counts = _Counts()
        self._anew = True
        self._images = read_images(self)
        self._looking = EventThread(
            'looking', wait=self._images.wait, work=self._look, wake=self._images.wake
        )

    def deactivate(self) -> None:
        """Stop looking."""
        if self._looking is not None:
            self._looking.stop()
        if self._images is not None:
            self._images.close()
        self._images = self._looking = None

    def cleanup(self) -> None:
        """Let the nets go, and take the topic away."""
        if self._skeleton is not None:
            self.destroy_lifecycle_publisher(self._skeleton)
        self._skeleton = self._estimator = None

    def failed(self, where: str, error: Exception) -> None:
        """Log and count an exception nobody expected."""
        self._counts.failures += 1
        self._counts.seen = False
        super().failed(where, error)

    def time_jumped(self) -> None:
        """Look for a person anew."""
        self._anew = True

    def look_at_graph(self) -> bool:
        """Follow the camera's publishers; True when that changes what is wrong."""
        if self._images is None:
            return False
        before = self._images.problem
        self._images.follow()
        return self._images.problem != before

    def report(self) -> Report:
        """Say what was seen, and what is missing."""
        images, counts = self._images, self._counts
        if images is None:
            return idle_report(self.state, self.problem)
        # Before the counts, which then include it.
        refusal, seen, failures = counts.refusal, counts.seen, counts.failures
        values = (
            (STATE, self.state),
            ('image topic', images.topic),
            (INPUTS, str(images.publishers)),
            (OUTPUTS, str(self._skeleton.get_subscription_count())),
            (RECEIVED, str(counts.received)),
            ('skeletons published', str(counts.published)),
            ('pictures without a person', str(counts.nobody)),
            ('pictures passed over while busy', str(counts.passed_over)),
            *((DROPPED + in_words(why), str(n)) for why, n in sorted(counts.refused.items())),
            (FAILURES, str(failures)),
            ('time for the last picture', f'{1e3 * counts.took_s:.1f} ms'),
        )
        if images.problem:
            return Report('error', images.problem, values)
        if failures > counts.failures_told:
            counts.failures_told = failures
            return Report('error', 'something failed inside the node: see its log', values)
        if refusal:
            counts.refusal = ''
            return Report('warning', f'a picture cannot be used: {refusal}', values)
        if time.monotonic() - counts.heard_s > _SILENCE_S:
            return Report('warning', f'no picture for {_SILENCE_S:g} s', values)
        return Report('ok', 'a person is seen' if seen else 'nobody is seen', values)

    @guarded
    def _look(self) -> None:
        """Publish what the newest picture shows. In a thread of its own."""
        images, estimator, counts = self._images, self._estimator, self._counts
        received = images.take() if images is not None else []
        if images is None or estimator is None or not received:
            return
        counts.heard_s = begun_s = time.monotonic()
        counts.passed_over += len(received) - 1
        counts.received += len(received)
        if self._anew:
            self._anew = False
            estimator.reset()
        try:
            message = skeleton_message(estimator, images.msgtype, received[-1].data)
        except DecodeError as error:
            counts.seen = False
            counts.refused[error.reason] += 1
            counts.refusal = str(error)
            return
        counts.took_s = time.monotonic() - begun_s
        if message is None:
            counts.nobody += 1
        else:
            self._skeleton.publish(message)
            counts.published += 1
        counts.seen = message is not None

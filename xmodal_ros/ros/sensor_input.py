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

"""One sensor's way into a pipeline: its subscription, the thread that takes, the feed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import time
from typing import TYPE_CHECKING

from rclpy.node import Node

from xmodal_ros.errors import XmodalError
from xmodal_ros.modalities.audio.decoder import AudioFormat, TYPES_WITHOUT_FORMAT
from xmodal_ros.modalities.input_settings import SensorInputSettings
from xmodal_ros.modalities.modality import Modality
from xmodal_ros.ros.audio_info import AudioInfoListener
from xmodal_ros.ros.topic_reader import TopicReader
from xmodal_ros.runtime.drain import DrainThread, Pauses, RESERVE
from xmodal_ros.runtime.pipeline import Feed, Pipeline, Received
from xmodal_ros.runtime.unread import UnreadMessages

if TYPE_CHECKING:
    from xmodal_ros.ros.mounting import Mounting
    from xmodal_ros.runtime.engine import Engine


class SensorInput:
    """Brings one topic's messages into a pipeline.

    All methods but :meth:`take` belong to the executor's thread. ``failed`` is told of exceptions
    nobody expected. Raises :class:`ConfigurationError` where the topic cannot be listened to.
    """

    def __init__(
        self,
        node: Node,
        modality: Modality,
        settings: SensorInputSettings,
        engine: Engine,
        failed: Callable[[str, Exception], None],
    ) -> None:
        self.settings = settings
        self._modality = modality
        self._failed = failed
        self._pipeline: Pipeline | None = None
        self._thread: DrainThread | None = None
        self._mounting: Mounting | None = None
        self._info: AudioInfoListener | None = None
        self._taken = self._drained = self._newest_ns = 0
        self._unread = UnreadMessages(modality.intake.depth)
        self._format_told = not settings.info_topic
        self.source = TopicReader(
            node, settings.topic, modality.message_types, depth=modality.intake.depth
        )
        self.feed = Feed(engine, self.source.msgtype, settings.placement, settings.audio_format)
        try:
            if settings.mounting_frame:
                # Here, for most sensors are turned by a parameter, or not at all.
                from xmodal_ros.ros.mounting import Mounting

                self._mounting = Mounting(node, settings.mounting_frame, settings.frame)
            if settings.info_topic:
                self._info = AudioInfoListener(node, settings.info_topic, self._use_format)
        except XmodalError:
            self.close()
            raise

    @property
    def problem(self) -> str:
        """What keeps data from being used, in words; '' where nothing does."""
        if self.source.problem:
            return self.source.problem
        if self._info is not None and self._needs_format and self._info.format is None:
            return self._info.problem
        return self._mounting.problem if self._mounting else ''

    @property
    def notice(self) -> str:
        """What is wrong though data are used, in words; '' where nothing is."""
        return self._info.problem if self._info and self._needs_format else ''

    def start(self, pipeline: Pipeline) -> None:
        """Begin to take messages for the pipeline."""
        self._pipeline = pipeline
        self.feed.waiting = self._usable
        self._thread = DrainThread(
            'intake',
            Pauses(self.source.depth // RESERVE),
            take=self._drain,
            remaining_s=self._remaining_s,
            wait=self.source.wait,
            wake=self.source.wake,
        )

    def take(self) -> None:
        """Push what has come. In the intake's thread, and elsewhere to be sure nothing waits."""
        pipeline = self._pipeline
        if pipeline is None:
            return
        try:
            pipeline.push(self.feed, self._usable)
        except Exception as error:  # noqa: BLE001 - no input may end the thread
            self._failed('on taking messages', error)

    def follow(self) -> None:
        """Adapt to what the graph offers now."""
        changed = self.source.follow()
        pipeline = self._pipeline
        if changed and pipeline is not None:
            pipeline.use_type(self.feed, self.source.msgtype)
        if self._info is not None:
            self._info.follow()

    def stop(self) -> None:
        """Stop taking by itself; what has come can still be taken."""
        self._format_told = True
        if self._thread is not None:
            self._thread.stop()
            self._thread = None

    def close(self) -> None:
        """Stop taking, and unsubscribe."""
        self.stop()
        self.source.close()
        if self._info is not None:
            self._info.close()
        if self._mounting is not None:
            self._mounting.close()
        self._pipeline = None
        self.feed.waiting = None

    @property
    def _needs_format(self) -> bool:
        return self.source.msgtype in TYPES_WITHOUT_FORMAT

    def _drain(self) -> int:
        """Push what has come, and give how many messages did since the last time."""
        self.take()
        taken, self._drained = self._taken - self._drained, self._taken
        return taken

    def _remaining_s(self) -> float | None:
        """Say in how long a window can be due, where messages go on as they came."""
        remaining_ns = self.feed.intake.remaining_ns
        if remaining_ns is None:
            return None
        return (remaining_ns - (time.time_ns() - self._newest_ns)) / 1e9

    def _usable(self) -> Sequence[Received]:
        received: Sequence[Received] = self.source.take()
        self._taken += len(received)
        if received:
            self._newest_ns = received[-1].received_ns
        waits = self._needs_format and not self._format_told
        received = self._unread.through(received, waits=waits)
        if self._mounting is None:
            return received
        return self._mounting.usable(received, self.feed)

    def _use_format(self, audio_format: AudioFormat | None) -> None:
        if self._pipeline is not None:
            self._pipeline.use_format(self.feed, audio_format)
        else:
            self.feed.use_format(audio_format)
        self._format_told = True

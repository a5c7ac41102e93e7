"""One sensor's way into a pipeline: its subscription, the thread that takes, the feed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rclpy.node import Node

from xmodal_ros.errors import XmodalError
from xmodal_ros.modalities.audio.decoder import AudioFormat, TYPES_WITHOUT_FORMAT
from xmodal_ros.modalities.input_settings import SensorInputSettings
from xmodal_ros.modalities.modality import Modality
from xmodal_ros.ros.audio_info import AudioInfoListener
from xmodal_ros.ros.mounting import Mounting
from xmodal_ros.ros.topic_reader import DRAIN_PERIOD_S, TopicReader
from xmodal_ros.runtime.event_driven import EventThread
from xmodal_ros.runtime.periodic import PeriodicThread
from xmodal_ros.runtime.pipeline import Feed, Pipeline, Received

if TYPE_CHECKING:
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
        self._thread: PeriodicThread | EventThread | None = None
        self._mounting: Mounting | None = None
        self._info: AudioInfoListener | None = None
        self.source = TopicReader(
            node, settings.topic, modality.message_types, depth=modality.intake.depth
        )
        self.feed = Feed(engine, self.source.msgtype, settings.placement, settings.audio_format)
        try:
            if settings.mounting_frame:
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
        if self._modality.intake.as_they_come:
            self._thread = EventThread(
                'intake', wait=self.source.wait, work=self.take, wake=self.source.wake
            )
        else:
            self._thread = PeriodicThread('intake', DRAIN_PERIOD_S, self.take)

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

    @property
    def _needs_format(self) -> bool:
        return self.source.msgtype in TYPES_WITHOUT_FORMAT

    def _usable(self) -> Sequence[Received]:
        received = self.source.take()
        if self._mounting is None:
            return received
        return self._mounting.usable(received, self.feed)

    def _use_format(self, audio_format: AudioFormat | None) -> None:
        if self._pipeline is not None:
            self._pipeline.use_format(self.feed, audio_format)
        else:
            self.feed.use_format(audio_format)

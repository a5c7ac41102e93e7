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

"""What a classifier listens to now, and what is to take its place without missing a label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TYPE_CHECKING

from xmodal_ros.modalities.input_settings import SensorInputSettings
from xmodal_ros.ros.sensor_input import SensorInput
from xmodal_ros.runtime.inference import InferenceThread
from xmodal_ros.runtime.pipeline import Pipeline

if TYPE_CHECKING:
    from xmodal_ros.runtime.engine import Engine, Prediction

_FINISH_S: Final = 2.0

MakeSensorInput = Callable[[SensorInputSettings, 'Engine'], SensorInput]


class SensorInputs:
    """The input that decides, and one aside that will once it has filled a window.

    Everything belongs to the executor's thread; ``publish`` is called in the inference thread,
    ``switched`` in an intake's: then :meth:`retire` is to be called.
    """

    def __init__(
        self,
        make: MakeSensorInput,
        settings: SensorInputSettings,
        engine: Engine,
        inference: InferenceThread,
        queue_size: int,
        publish: Callable[[Prediction], None],
        failed: Callable[[str, Exception], None],
        switched: Callable[[], None],
        *,
        batching: bool = False,
    ) -> None:
        self._make = make
        self.current = make(settings, engine)
        self._aside: SensorInput | None = None
        self.pipeline = Pipeline(
            self.current.feed,
            inference,
            queue_size,
            publish,
            failed,
            switched,
            batching=batching,
        )
        self.current.start(self.pipeline)

    @property
    def engines(self) -> list[Engine]:
        """The model that decides, and the one that is to take its place."""
        return [sensor_input.feed.engine for sensor_input in self._all()]

    def change(self, settings: SensorInputSettings, engine: Engine) -> None:
        """Let another model, another topic or both decide as soon as they can.

        A model that reads the same windows does at once; anything else is prepared aside. Raises
        :class:`ConfigurationError` where the topic cannot be listened to; nothing changes then.
        """
        self.retire()
        fits = self.current.feed.fits(engine)
        if fits:
            self.current.feed.engine = engine
        if fits and self.current.settings == settings:
            self._drop_aside()
            return
        aside = self._aside
        if aside is not None and aside.settings == settings and aside.feed.fits(engine):
            aside.feed.engine = engine
            return
        # Made first: where that fails, everything stays as it is.
        aside = self._make(settings, engine)
        self._drop_aside()
        self._aside = aside
        self.pipeline.prepare(aside.feed)
        aside.start(self.pipeline)

    def retire(self) -> None:
        """Let go the input that the one aside has followed."""
        if self._aside is not None and self.pipeline.feed is self._aside.feed:
            old, self.current, self._aside = self.current, self._aside, None
            old.close()

    def follow(self) -> None:
        """Adapt to the publishers there are, and to a switch that nobody has told of."""
        self.retire()
        for sensor_input in self._all():
            sensor_input.follow()

    def reset(self) -> None:
        """Start the streams anew; what has come belongs to the time before."""
        for sensor_input in self._all():
            sensor_input.take()
        self.pipeline.reset()

    def close(self) -> None:
        """Unsubscribe; what has been received is classified and published first."""
        self._drop_aside()
        self.current.stop()
        self.current.take()
        self.current.close()
        self.pipeline.finish(_FINISH_S)
        self.pipeline.close()

    def describe_change(self) -> str:
        """Say what is to take the place of what, or what else is worth a word; '' for nothing."""
        if self._aside is None:
            return self.current.notice
        reason = self._aside.problem or 'its first window is not full yet'
        return f'changing to {self._aside.source.topic}, not there yet: {reason}'

    def _all(self) -> list[SensorInput]:
        return [self.current, *([self._aside] if self._aside else [])]

    def _drop_aside(self) -> None:
        aside, self._aside = self._aside, None
        self.pipeline.abandon()
        if aside is not None:
            aside.close()

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

"""A sensor's samples, that faults can be done to before they become messages again.

Samples are decoded by the live decoders and serialized again in a plain type, so that the intake
and the engine see damaged messages as they would on a robot. Undamaged ones give the same
decisions, bit for bit: the plain types lose nothing of what the decoders give.
"""

from collections.abc import Callable, Iterator
from typing import Final

from xmodal_ros.bags.audio_format import read_audio_format
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.registry import make_decoder
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.modalities.stream import StreamConfig
from xmodal_ros.streams.sample import DecodeError, Sample
from xmodal_ros.windows.clock import WindowClock
from xmodal_ros.windows.windowing import WindowingSpec

_REPORT_EVERY: Final = 64


class BagSamples:
    """The samples of one sensor of a bag, as often as they are asked for, one time at a time.

    Messages that cannot be decoded are left out. ``progress`` is called with the number of
    messages read since the last call. ``at`` says which message the newest sample is of, from 1
    on, and ``restarts`` which those were at which the stream of windows starts anew.
    """

    def __init__(
        self,
        reader: BagReader,
        sensor: Sensor,
        stream: StreamConfig,
        window: WindowingSpec,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._reader, self._sensor, self._stream = reader, sensor, stream
        self._window, self._progress = window, progress
        self.at = 0
        self.restarts: list[int] = []
        self._audio_format = read_audio_format(reader, sensor.topic)

    def __iter__(self) -> Iterator[Sample]:
        """Decode from the beginning."""
        clock = WindowClock(self._window)
        self.restarts.clear()
        topic = self._sensor.topic
        msgtype = self._reader.topics[topic].msgtype
        decode = make_decoder(self._stream, msgtype, self._sensor.placement, self._audio_format)
        for count, message in enumerate(self._reader.messages([topic]), start=1):
            if self._progress and count % _REPORT_EVERY == 0:
                self._progress(_REPORT_EVERY)
            try:
                sample = decode(message.data, message.received_ns)
            except DecodeError:
                continue
            self.at = count
            before = clock.counts['reset']
            clock.admit(sample.stamp_ns)
            if clock.counts['reset'] != before:
                self.restarts.append(count)
            yield sample


def plain_format(sample: Sample) -> AudioFormat | None:
    """Give how the sound of a serialized sample is laid out; None for other modalities."""
    return AudioFormat(sample.rate_hz, 1, 'F32LE') if sample.rate_hz else None

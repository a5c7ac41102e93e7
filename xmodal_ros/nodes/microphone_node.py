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

"""The node ``microphone``: publishes what a microphone hears."""

from array import array
from typing import Any, Final

from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo
from std_msgs.msg import Header

from xmodal_ros.drivers.capture import AudioCounters, MicrophoneCapture
from xmodal_ros.drivers.portaudio import import_sounddevice, Microphone
from xmodal_ros.drivers.reports import audio_report
from xmodal_ros.ros import messages, parameter_tables, parameters, qos
from xmodal_ros.ros.driver import DriverNode
from xmodal_ros.ros.lifecycle import guarded
from xmodal_ros.runtime.health import Report

_SAMPLE_FORMAT: Final = 'S16LE'
_BITS: Final = 16


class MicrophoneNode(DriverNode):
    """Records from one device and publishes it chunk by chunk; see docs/microphone.md."""

    def __init__(self, **options: Any) -> None:
        self._wanted = Microphone()
        self._frame_id = ''
        self._audio: Any = None
        self._info: Any = None
        self._capture: MicrophoneCapture | None = None
        self._before = AudioCounters()
        super().__init__('microphone', 'microphone', parameter_tables.MICROPHONE, **options)

    def configure(self) -> None:
        """Find PortAudio, and say in what format there will be sound."""
        import_sounddevice()
        rate_hz = parameters.whole(self, 'rate')
        chunk_s = parameters.number(self, 'chunk_duration')
        self._wanted = wanted = Microphone(
            device=parameters.text(self, 'device'),
            rate_hz=rate_hz,
            channels=parameters.whole(self, 'channels'),
            chunk_frames=max(1, round(rate_hz * chunk_s)),
        )
        self._frame_id = parameters.text(self, 'frame_id')
        self._audio = self.advertise(AudioDataStamped, 'audio', qos.AUDIO)
        self._info = self.create_publisher(AudioInfo, 'audio_info', qos.LATCHED)
        self._info.publish(
            AudioInfo(
                channels=wanted.channels,
                sample_rate=rate_hz,
                sample_format=_SAMPLE_FORMAT,
                bitrate=rate_hz * wanted.channels * _BITS // 1000,
                coding_format='wave',
            )
        )

    def activate(self) -> None:
        """Begin to record; a device that is not there is waited for."""
        self._before = AudioCounters()
        self._capture = MicrophoneCapture(
            self._wanted,
            self._publish,
            self.log,
            self.now_ns,
            retry_s=parameters.number(self, 'retry_period'),
        )
        self._capture.start()

    def deactivate(self) -> None:
        """Stop recording and let the device go."""
        if self._capture is not None:
            self._capture.stop()
        self._capture = None

    def cleanup(self) -> None:
        """Take the topics away."""
        if self._audio is not None:
            self.destroy_lifecycle_publisher(self._audio)
        if self._info is not None:
            self.destroy_publisher(self._info)
        self._audio = self._info = None

    def report_since(self, elapsed_ns: int, now_ns: int) -> Report | None:
        """Say what is recorded from, what was lost, and why nothing comes."""
        if self._capture is None:
            return None
        counters = self._capture.counters()
        report = audio_report(self._wanted, self._before, counters, elapsed_ns, now_ns)
        self._before = counters
        return report

    @guarded
    def _publish(self, stamp_ns: int, data: bytes) -> None:
        """Publish a chunk. In the capture's thread."""
        # An array is taken over as it is; anything else is checked number by number.
        audio = AudioData(data=array('B', data))
        header = Header(stamp=messages.to_time(stamp_ns), frame_id=self._frame_id)
        self._audio.publish(AudioDataStamped(header=header, audio=audio))

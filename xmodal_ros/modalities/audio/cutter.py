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

"""One microphone's way from serialized messages to windows."""

from collections.abc import Sequence

from xmodal_ros.modalities.audio.assembler import AudioAssembler
from xmodal_ros.modalities.audio.decoder import AudioDecoder, AudioFormat
from xmodal_ros.streams.placement import Placement
from xmodal_ros.streams.sample import SampleBlock
from xmodal_ros.windows.assembler import Window
from xmodal_ros.windows.clock import WindowClock
from xmodal_ros.windows.windowing import WindowingSpec


class AudioCutter:
    """Decodes chunks of sound and cuts windows of them."""

    def __init__(
        self, msgtype: str, window: WindowingSpec, audio_format: AudioFormat | None
    ) -> None:
        self._decode = AudioDecoder(msgtype, audio_format)
        self._assembler = AudioAssembler(window)

    @property
    def clock(self) -> WindowClock:
        """What decides which chunks count."""
        return self._assembler.clock

    def push(self, data: bytes, received_ns: int) -> list[Window]:
        """Take a message and give the windows due; one without a stamp goes by its receipt."""
        sample = self._decode(data, received_ns)
        return self._assembler.push(sample, sample.rate_hz)

    def decode_block(self, messages: Sequence[bytes]) -> SampleBlock | None:
        """Decode several messages at once; None where they have to be pushed one by one."""
        return self._decode.block(messages)

    def push_block(self, block: SampleBlock) -> list[tuple[int, list[Window]]]:
        """Take decoded messages; gives the windows due by the numbers of those that made them."""
        pushed = (self._assembler.push(each, each.rate_hz) for each in block.samples())
        return [(number, windows) for number, windows in enumerate(pushed) if windows]

    def reset(self) -> None:
        """Start the stream anew."""
        self._assembler.reset()

    def use_placement(self, placement: Placement) -> None:
        """Nothing: sound has no direction here."""

    def use_format(self, audio_format: AudioFormat | None) -> None:
        """Read messages that do not say their format as this; None refuses them."""
        self._decode.format = audio_format

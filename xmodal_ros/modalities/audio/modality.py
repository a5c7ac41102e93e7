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

"""The modality ``audio``."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.audio.contents import SoundReader
from xmodal_ros.modalities.audio.cutter import AudioCutter
from xmodal_ros.modalities.audio.decoder import (
    AUDIO_TYPES,
    AudioDecoder,
    AudioFormat,
    sample_format_name,
    SAMPLE_FORMATS,
)
from xmodal_ros.modalities.audio.messages import audio_message
from xmodal_ros.modalities.audio.stream import AudioStream
from xmodal_ros.modalities.checks import CHECKS, Problem
from xmodal_ros.modalities.contents import Contents, Newest
from xmodal_ros.modalities.faults import FaultKind
from xmodal_ros.modalities.file import SensorFile
from xmodal_ros.modalities.input_settings import SensorInputSettings
from xmodal_ros.modalities.modality import Intake, Modality, TrainingDefaults, WindowCutter
from xmodal_ros.modalities.stream import StreamConfig
from xmodal_ros.parameter import Parameter, Value
from xmodal_ros.streams.placement import AS_IT_COMES, Placement
from xmodal_ros.streams.sample import DecodeError, Decoder, Sample
from xmodal_ros.windows.windowing import WindowingSpec

if TYPE_CHECKING:
    from xmodal_ros.modalities.audio.augmentation import AudioAugmentation

RATE_HZ: Final = 16_000


class Audio(Modality):
    """A microphone: the audio messages of ``audio_common_msgs`` and ``foxglove_msgs``."""

    name: ClassVar[str] = 'audio'
    title: ClassVar[str] = 'microphone'
    message_types: ClassVar[tuple[str, ...]] = AUDIO_TYPES
    Stream: ClassVar[type[StreamConfig]] = AudioStream
    topic: ClassVar[str] = 'audio'
    chunked: ClassVar[bool] = True
    driver: ClassVar[str] = 'microphone'
    intake: ClassVar[Intake] = Intake(depth=200, ahead=64)
    newest: ClassVar[Newest] = Newest(waiting=256, kept=256)
    fastest_hz: ClassVar[float] = 400.0
    node_parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            'info_topic',
            '',
            "Where the format of the audio is published (AudioInfo); '' is <topic>_info.",
            change='always',
        ),
        Parameter(
            'audio_rate',
            0,
            'Samples a second, for audio that does not say so anywhere; 0 takes what is '
            'published.',
            change='always',
            bounds=(0, 768_000),
        ),
        Parameter(
            'audio_channels',
            1,
            'Channels, interleaved; counts where audio_rate is given.',
            change='always',
            bounds=(1, 64),
        ),
        Parameter(
            'audio_format',
            'S16LE',
            'Format of a sample: '
            + ', '.join(SAMPLE_FORMATS)
            + '; counts where audio_rate is given.',
            change='always',
            choices=tuple(SAMPLE_FORMATS),
        ),
    )
    refusals: ClassVar[Mapping[str, str]] = {
        **Modality.refusals,
        'scale': 'hold integers in floats, whose full scale is 1, and will be dropped: let the '
        'capture node divide them by 32768, or publish them as S16LE',
        'compressed': 'are compressed audio, which cannot be used: start the capture node with '
        'format:=wave (audio_capture of ros-drivers uses mp3 unless told otherwise)',
    }

    def make_decoder(
        self,
        stream: StreamConfig,
        msgtype: str,
        placement: Placement,
        audio_format: AudioFormat | None = None,
    ) -> Decoder:
        """Give the decoder, which must be told the format of messages that do not say it."""
        return AudioDecoder(msgtype, audio_format)

    def make_cutter(
        self,
        stream: StreamConfig,
        window: WindowingSpec,
        msgtype: str,
        placement: Placement,
        audio_format: AudioFormat | None = None,
    ) -> WindowCutter:
        """Lay out sound by sample count, not by stamps that jitter with every chunk."""
        return AudioCutter(msgtype, window, audio_format)

    def training_defaults(
        self,
        msgtype: str,
        first_message: bytes,
        options: Mapping[str, Any],
    ) -> TrainingDefaults:
        """Hear 16 kHz as log-mel frames."""
        return TrainingDefaults(
            AudioStream(),
            rate_hz=RATE_HZ,
            encoder='audio_bcresnet',
            preprocessing=({'kind': 'log_mel', 'rate_hz': RATE_HZ},),
            fit={'epochs': 9, 'most_steps': 1000, 'patience': 5, 'batch_size': 32},
        )

    def augmentation(self) -> 'AudioAugmentation':
        """Shift, drown, filter, cover and scale the sound."""
        from xmodal_ros.modalities.audio.augmentation import AudioAugmentation

        return AudioAugmentation()

    def faults(self, stream: StreamConfig | None = None) -> tuple[FaultKind, ...]:
        """Other sounds, and fewer samples."""
        from xmodal_ros.modalities.audio.faults import FAULTS

        return FAULTS

    def serialize(self, sample: Sample, stream: StreamConfig) -> bytes:
        """Give an ``AudioDataStamped`` of 32-bit floats, which does not say so."""
        data = sample.values.astype('<f4').tobytes()
        return audio_message(sample.stamp_ns, sample.frame_id, data)

    def open_file(self, path: Path, options: Mapping[str, Any]) -> SensorFile:
        """Read WAV, or what ``soundfile`` reads where that is installed."""
        from xmodal_ros.modalities.audio.file import SoundFile

        return SoundFile(path)

    def compact(self, values: NDArray[Any]) -> NDArray[Any]:
        """Keep sound in half the memory: float16 rounds it with a noise 70 dB below it."""
        return values.astype(np.float16)

    def activity_change(self, samples: NDArray[Any]) -> NDArray[np.float64]:
        """Give the loudness of each sample."""
        return 100 * np.abs(samples.astype(np.float64))

    def make_trial_decoder(self, msgtype: str, audio_format: AudioFormat | None = None) -> Decoder:
        """Give the decoder."""
        return AudioDecoder(msgtype, audio_format)

    def make_content_reader(
        self, msgtype: str, audio_format: AudioFormat | None = None
    ) -> SoundReader:
        """Say how the sound is coded, how loud it is, and how many samples come."""
        return SoundReader(self.make_trial_decoder(msgtype, audio_format), audio_format)

    def check_contents(self, contents: Contents, topic: str) -> Iterator[Problem]:
        """Put a format that nobody says before all else."""
        if 'no_format' in contents.refused and contents.details is None:
            yield CHECKS['no-format'].found(
                f'nobody says how the sound on {topic} is coded: no AudioInfo goes with it'
            )
        else:
            yield from super().check_contents(contents, topic)

    def read_parameters(
        self, topic: str, frame: str, get: Callable[[str], Any]
    ) -> SensorInputSettings:
        """Take the format that is given, or else that which is published beside the sound."""
        audio_format = _audio_format(get)
        info_topic = '' if audio_format else str(get('info_topic')) or f'{topic}_info'
        return SensorInputSettings(topic, AS_IT_COMES, frame, '', info_topic, audio_format)

    def parameters_for(
        self, placement: Placement, audio_format: AudioFormat | None
    ) -> Mapping[str, Value]:
        """Give the format, where messages do not say it."""
        if audio_format is None:
            return {}
        return {
            'audio_rate': audio_format.rate_hz,
            'audio_channels': audio_format.channels,
            'audio_format': audio_format.sample_format,
        }


def _audio_format(get: Callable[[str], Any]) -> AudioFormat | None:
    rate_hz, sample_format = int(get('audio_rate')), sample_format_name(str(get('audio_format')))
    try:
        # Any rate will do to learn of a sample format that will not.
        audio_format = AudioFormat(rate_hz or RATE_HZ, int(get('audio_channels')), sample_format)
    except DecodeError as error:
        raise ConfigurationError(f'audio_rate, audio_channels, audio_format: {error}') from None
    return audio_format if rate_hz else None

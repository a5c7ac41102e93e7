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

"""The modality ``camera``."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.camera.messages import image_message
from xmodal_ros.modalities.camera.stream import (
    CameraPixels,
    CameraStream,
    COMPRESSED_TYPE,
    IMAGE_TYPE,
)
from xmodal_ros.modalities.contents import Newest, Sampling
from xmodal_ros.modalities.faults import FaultKind
from xmodal_ros.modalities.file import SensorFile
from xmodal_ros.modalities.input_settings import SensorInputSettings
from xmodal_ros.modalities.modality import (
    Intake,
    Modality,
    PlacementField,
    SampleCutter,
    TrainingDefaults,
)
from xmodal_ros.modalities.stream import StreamConfig
from xmodal_ros.parameter import Parameter, Value
from xmodal_ros.streams.placement import make_placement, Placement
from xmodal_ros.streams.sample import Decoder, Sample
from xmodal_ros.windows.assembler import WindowAssembler
from xmodal_ros.windows.resampling import Interpolation
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

if TYPE_CHECKING:
    from xmodal_ros.modalities.camera.augmentation import CameraAugmentation
    from xmodal_ros.modalities.camera.contents import PictureReader
    from xmodal_ros.modalities.camera.decoder import CameraDecoder

_ENCODINGS: Final[Mapping[CameraPixels, str]] = {
    'gray': 'mono8',
    'rgb': 'rgb8',
    'depth': '32FC1',
}


class Camera(Modality):
    """A camera, of grey, colour or depth: ``sensor_msgs/Image`` and ``CompressedImage``."""

    name: ClassVar[str] = 'camera'
    title: ClassVar[str] = 'camera'
    message_types: ClassVar[tuple[str, ...]] = (IMAGE_TYPE, COMPRESSED_TYPE)
    Stream: ClassVar[type[StreamConfig]] = CameraStream
    topic: ClassVar[str] = 'camera/image_raw'
    placement: ClassVar[frozenset[PlacementField]] = frozenset({'region'})
    interpolation: ClassVar[Interpolation] = 'nearest'
    driver: ClassVar[str] = 'camera'
    # Of images no more than the memory for a second of large ones.
    intake: ClassVar[Intake] = Intake(depth=30, played_depth=10, ahead=10, large=True)
    fastest_hz: ClassVar[float] = 400.0
    node_parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            'region_of_interest',
            [0.0, 0.0, 1.0, 1.0],
            'Left, top, width and height of the part of the picture to look at, as shares of it.',
            change='always',
            or_number=True,
        ),
    )
    large_types: ClassVar[tuple[str, ...]] = (IMAGE_TYPE,)
    # Pictures are dear to decode, and one every second tells enough.
    sampling: ClassVar[Sampling] = Sampling(block=2, blocks=32)
    newest: ClassVar[Newest] = Newest(waiting=1, kept=16)

    def make_decoder(
        self,
        stream: StreamConfig,
        msgtype: str,
        placement: Placement,
        audio_format: AudioFormat | None = None,
    ) -> 'CameraDecoder':
        """Give the decoder, which looks at the region that the placement names."""
        from xmodal_ros.modalities.camera.decoder import CameraDecoder

        assert isinstance(stream, CameraStream)  # noqa: S101 - it is this modality's
        return CameraDecoder(msgtype, stream.pixels, stream.height, stream.width, placement.region)

    def make_cutter(
        self,
        stream: StreamConfig,
        window: WindowingSpec,
        msgtype: str,
        placement: Placement,
        audio_format: AudioFormat | None = None,
    ) -> SampleCutter:
        """Decode those pictures that windows are made of, and look at the others."""
        from xmodal_ros.modalities.camera.decoder import NeededPictures

        return SampleCutter(
            lambda at: NeededPictures(self.make_decoder(stream, msgtype, at)),
            placement,
            WindowAssembler(window, self.interpolation),
        )

    def training_defaults(
        self,
        msgtype: str,
        first_message: bytes,
        options: Mapping[str, Any],
    ) -> TrainingDefaults:
        """Take small frames eight times a second, of the kind that the message holds.

        ``options`` are ``height`` and ``width`` of frames in pixels, ``rate_hz``, whether a
        ``colour`` camera's colours are kept, and whether differences in time (``motion``) are
        appended.
        """
        pixels = _pixels(msgtype, first_message)
        if pixels == 'gray' and options.get('colour'):
            pixels = 'rgb'
        rate_hz = options.get('rate_hz', 8)
        return TrainingDefaults(
            CameraStream(
                pixels=pixels, height=options.get('height', 30), width=options.get('width', 40)
            ),
            rate_hz=rate_hz,
            margin_ns=SECOND_NS // rate_hz,
            encoder='camera_cnn',
            preprocessing=({'kind': 'motion'},) if options.get('motion', True) else (),
            fit={'epochs': 12, 'most_steps': 2500, 'patience': 5},
        )

    def augmentation(self) -> 'CameraAugmentation':
        """Move the picture and change its contrast."""
        from xmodal_ros.modalities.camera.augmentation import CameraAugmentation

        return CameraAugmentation()

    def faults(self, stream: StreamConfig | None = None) -> tuple[FaultKind, ...]:
        """Noise, and darkness, which does not touch depth."""
        from xmodal_ros.modalities.camera.faults import FAULTS_OF_DEPTH, FAULTS_OF_PICTURES

        is_depth = isinstance(stream, CameraStream) and stream.pixels == 'depth'
        return FAULTS_OF_DEPTH if is_depth else FAULTS_OF_PICTURES

    def serialize(self, sample: Sample, stream: StreamConfig) -> bytes:
        """Give a ``sensor_msgs/Image``."""
        assert isinstance(stream, CameraStream)  # noqa: S101 - it is this modality's
        height, width = sample.values.shape[:2]
        dtype, encoding = ('<f4' if stream.pixels == 'depth' else 'u1'), _ENCODINGS[stream.pixels]
        data = sample.values.astype(dtype).tobytes()
        return image_message(sample.stamp_ns, sample.frame_id, height, width, encoding, data)

    def open_file(self, path: Path, options: Mapping[str, Any]) -> SensorFile:
        """Read a video; ``options['height']`` is the most that pictures are to have.

        ``options['fps']`` is their rate, for a video that does not hold their times.
        """
        from xmodal_ros.modalities.camera.file import VideoFile

        return VideoFile(path, options.get('height'), options.get('fps'))

    def compact(self, values: NDArray[Any]) -> NDArray[Any]:
        """Keep depth in half the memory: float16 is exact to 2 mm at 4 m."""
        return values.astype(np.float16) if values.dtype == np.float32 else values

    def make_trial_decoder(self, msgtype: str, audio_format: AudioFormat | None = None) -> Decoder:
        """Give a decoder of whatever the picture is, colour or depth."""
        from xmodal_ros.modalities.camera.contents import decode_picture

        return partial(decode_picture, msgtype)

    def make_content_reader(
        self, msgtype: str, audio_format: AudioFormat | None = None
    ) -> 'PictureReader':
        """Say encoding and size, and whether something is to be seen."""
        from xmodal_ros.modalities.camera.contents import PictureReader

        return PictureReader(msgtype)

    def read_parameters(
        self, topic: str, frame: str, get: Callable[[str], Any]
    ) -> SensorInputSettings:
        """Look at the region that is given."""
        placement = make_placement(region=get('region_of_interest'))
        return SensorInputSettings(topic, placement, frame)

    def parameters_for(
        self, placement: Placement, audio_format: AudioFormat | None
    ) -> Mapping[str, Value]:
        """Give the region, where it is less than the whole picture."""
        if placement.region is None:
            return {}
        return {'region_of_interest': [*placement.region]}


def _pixels(msgtype: str, message: bytes) -> CameraPixels:
    from xmodal_ros.modalities.camera.contents import read_details

    details = read_details(msgtype, message)
    is_depth = details.is_depth or (msgtype == IMAGE_TYPE and details.encoding == 'mono16')
    return 'depth' if is_depth else 'gray'

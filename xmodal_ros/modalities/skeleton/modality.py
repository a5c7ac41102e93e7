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

"""The modality ``skeleton``."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TYPE_CHECKING

from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.modality import Modality, TrainingDefaults
from xmodal_ros.modalities.skeleton.contents import measure, SkeletonDetails
from xmodal_ros.modalities.skeleton.decoder import count_joints, SKELETON_TYPE, SkeletonDecoder
from xmodal_ros.modalities.skeleton.messages import pose_array_message
from xmodal_ros.modalities.skeleton.stream import SkeletonStream
from xmodal_ros.modalities.stream import StreamConfig
from xmodal_ros.streams.placement import Placement
from xmodal_ros.streams.sample import Decoder, Sample

if TYPE_CHECKING:
    from xmodal_ros.modalities.imu.augmentation import ImuAugmentation


class Skeleton(Modality):
    """The joints of a person, as a body tracker publishes them: ``geometry_msgs/PoseArray``."""

    name: ClassVar[str] = 'skeleton'
    title: ClassVar[str] = 'skeleton'
    message_types: ClassVar[tuple[str, ...]] = (SKELETON_TYPE,)
    Stream: ClassVar[type[StreamConfig]] = SkeletonStream
    topic: ClassVar[str] = 'skeleton'
    # Arrays of poses are used for much else, a cloud of particles for one.
    detected_by_type: ClassVar[bool] = False

    def make_decoder(
        self,
        stream: StreamConfig,
        msgtype: str,
        placement: Placement,
        audio_format: AudioFormat | None = None,
    ) -> Decoder:
        """Give the decoder for so many joints."""
        assert isinstance(stream, SkeletonStream)  # noqa: S101 - it is this modality's
        return SkeletonDecoder(stream.joints)

    def training_defaults(
        self,
        msgtype: str,
        first_message: bytes,
        options: Mapping[str, Any],
    ) -> TrainingDefaults:
        """Read it as a signal of many channels, with how fast each joint moves beside it."""
        stream = SkeletonStream(joints=count_joints(first_message))
        return TrainingDefaults(
            stream, rate_hz=20, encoder='imu_cnn', preprocessing=({'kind': 'motion'},)
        )

    def serialize(self, sample: Sample, stream: StreamConfig) -> bytes:
        """Give a ``geometry_msgs/PoseArray``; reading it takes the mean off once more."""
        return pose_array_message(sample.stamp_ns, sample.frame_id, sample.values.reshape(-1, 3))

    def measure(
        self, samples: Sequence[Sample], stated: AudioFormat | None = None
    ) -> SkeletonDetails:
        """Measure the body."""
        return measure(samples)

    def augmentation(self) -> 'ImuAugmentation':
        """Change it as a whole: a factor on each joint alone would tear limbs apart."""
        from xmodal_ros.modalities.imu.augmentation import ImuAugmentation

        return ImuAugmentation(scale=0.0)

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

"""What a model wants of a skeleton."""

from typing import Annotated, Final, Literal

from pydantic import Field

from xmodal_ros.modalities.stream import StreamConfig

MOST_JOINTS: Final = 256


class SkeletonStream(StreamConfig):
    """A skeleton: the positions of ``joints`` joints in metres, about their mean."""

    modality: Literal['skeleton'] = 'skeleton'
    joints: Annotated[int, Field(ge=1, le=MOST_JOINTS)]

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return (self.channel_count,)

    @property
    def channel_count(self) -> int:
        """The length of a sample's last axis."""
        return 3 * self.joints

    def describe(self) -> str:
        """Say how many joints it has."""
        return f'{self.joints} joints'

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

"""The encoder of skeletons: convolutions that learn which joints move together."""

from typing import Annotated, ClassVar, Literal, TYPE_CHECKING

from pydantic import Field

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.stream import EncoderInput
from xmodal_ros.models.configuration_encoder import EncoderConfig

if TYPE_CHECKING:
    from torch import nn


class SkeletonCooccurrenceConfig(EncoderConfig):
    """A net in the manner of HCN (Li et al., IJCAI 2018): 60 steps become 8 tokens.

    Windows are those of skeletons: the joints' positions, and their speeds beside them. Other
    signals whose channels come in sixes are not told from them.
    """

    input: ClassVar[EncoderInput] = 'sequence'
    widths: ClassVar = {'small': 8, 'default': 16, 'large': 32}

    kind: Literal['skeleton_cooccurrence'] = 'skeleton_cooccurrence'
    width: Annotated[int, Field(ge=8, le=128, multiple_of=8)] = 16

    def build(self, channels: int) -> 'nn.Module':
        """Build it with fresh weights; raises :class:`ConfigurationError` for other windows."""
        from xmodal_ros.models.modeling_skeleton_cooccurrence import SkeletonCooccurrenceEncoder

        if channels % 6:
            raise ConfigurationError(
                f'skeleton_cooccurrence reads positions and speeds of joints, six channels a '
                f'joint; {channels} are none of a skeleton'
            )
        return SkeletonCooccurrenceEncoder(self, channels)

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

import pytest
from rosbags.typesys import get_types_from_msg, get_typestore, Stores

from xmodal_ros.bags.message_types import TYPESTORE

# As the released packages' generators compute them: a bag with another hash does not replay.
RELEASED_HASHES = {
    'vision_msgs/msg/Classification': (
        'RIHS01_f74db28d0eaef3afb78f48bf2161cd709a1383a0309d3454383b25be11345143'
    ),
}


@pytest.mark.parametrize(('msgtype', 'expected'), RELEASED_HASHES.items())
def test_types_have_the_hash_of_the_released_package(msgtype: str, expected: str) -> None:
    assert TYPESTORE.hash_rihs01(msgtype) == expected


@pytest.mark.parametrize(
    'msgtype',
    [
        'audio_common_msgs/msg/AudioData',
        'audio_common_msgs/msg/AudioDataStamped',
        'audio_common_msgs/msg/AudioInfo',
        'vision_msgs/msg/LabelInfo',
        'sensor_msgs/msg/Imu',
        'std_msgs/msg/String',
    ],
)
def test_every_type_we_write_has_a_definition_to_store(msgtype: str) -> None:
    definition, _ = TYPESTORE.generate_msgdef(msgtype, ros_version=2)
    # As whoever reads the bag does, who has nothing but the definition.
    reader = get_typestore(Stores.EMPTY)
    reader.register(get_types_from_msg(definition, msgtype))
    assert reader.hash_rihs01(msgtype) == TYPESTORE.hash_rihs01(msgtype)

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

"""A skeleton is drawn by how far the body reaches."""

import numpy as np
import pytest

from test.messages import EPOCH, pose_array_bytes, SECOND
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.media.reading import read_media
from xmodal_ros.media.span import Span
from xmodal_ros.modalities.sensor import Sensor


def test_an_arm_that_rises_is_seen(tmp_path) -> None:
    sensor = Sensor('body', 'skeleton', '/poses')
    with BagWriter(tmp_path / 'bag', sensors=[sensor]) as writer:
        for number in range(40):
            # Feet at 5 m from the sensor; a hand goes from the hip to above the head.
            joints = np.array([(5, 0, 0), (5, 0, 1.7), (5, 0.4, 0.9 + number / 20)])
            stamp = EPOCH + number * SECOND // 10
            data = pose_array_bytes(stamp, joints)
            writer.write('/poses', 'geometry_msgs/msg/PoseArray', stamp, data)
    with BagReader(tmp_path / 'bag') as reader:
        media = read_media(reader, Span(reader.start_ns, reader.end_ns), 100_000)
    assert not media.missing
    (extent,) = media.traces
    assert (extent.quantity, extent.unit) == ('extent', 'm')
    x, y, z = extent.high
    assert np.nanmax(x) == pytest.approx(0)
    assert np.nanmax(y) == pytest.approx(0.4)
    assert z[np.isfinite(z)][0] == pytest.approx(1.7)
    assert z[np.isfinite(z)][-1] == pytest.approx(2.85)

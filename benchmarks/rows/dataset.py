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

"""What it costs to get from recordings to what is learnt from."""

from collections.abc import Iterator
import io
from pathlib import Path

from benchmarks.harness import row, Sides
from benchmarks.material import recordings, SENSORS


@row(
    'dataset',
    'What does it cost to cut the windows of small messages that are learnt from?',
    aim=1.5,
    ours='reading an IMU of a recording, checking what its messages hold, cutting its windows '
    'with a hop of 0.2 s',
    plain='deserialising the same messages with rosbags',
)
def dataset(folder: Path) -> Iterator[Sides]:
    """Compare in one process, into memory."""
    from rosbags.rosbag2 import Reader

    from xmodal_ros.bags.message_types import TYPESTORE
    from xmodal_ros.bags.reading import BagReader
    from xmodal_ros.data.cutting import cut_recording, CutRequest
    from xmodal_ros.modalities.imu.decoder import IMU_TYPE
    from xmodal_ros.modalities.imu.stream import ImuStream
    from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

    bag, name = recordings(folder)[-1], SENSORS['imu']
    spec = WindowingSpec(length_ns=3 * SECOND_NS, hop_ns=SECOND_NS // 5, rate_hz=50)
    with BagReader(bag) as reader:
        sensor = reader.sensor(name)
        count = reader.topics[sensor.topic].count
    request = CutRequest(sensor, IMU_TYPE, (ImuStream(), spec))

    def ours() -> None:
        with BagReader(bag) as reader:
            cut_recording(reader, {name: request}, lambda _name, _what: io.BytesIO())

    def plain() -> None:
        with Reader(bag) as reader:
            wanted = [each for each in reader.connections if each.topic == sensor.topic]
            for connection, _, data in reader.messages(wanted):
                TYPESTORE.deserialize_cdr(data, connection.msgtype)

    yield Sides(ours, plain, unit='message', units=count)

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

"""Training sees what recordings say about how their sensors sat."""

from pathlib import Path

import numpy as np

from test.messages import SECOND
from test.paired_bags import write_paired_bag
from test.turned_bags import record_turned
from xmodal_ros.data.recording import load_recording, read_facts, SensorWindows
from xmodal_ros.modalities.camera.stream import CameraStream
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.registry import StreamSpec
from xmodal_ros.windows.windowing import WindowingSpec

STREAMS: dict[str, tuple[StreamSpec, WindowingSpec]] = {
    'imu': (ImuStream(), WindowingSpec(rate_hz=50)),
    'camera': (
        CameraStream(pixels='gray', height=12, width=16),
        WindowingSpec(rate_hz=8, margin_ns=SECOND // 8),
    ),
}


def windows_of(bag: Path) -> dict[str, SensorWindows]:
    facts = read_facts(bag, lambda _subject: list(STREAMS))
    return dict(load_recording(facts, STREAMS).windows)


def test_sensors_that_sat_otherwise_give_the_windows_of_those_that_sat_as_expected(
    tmp_path: Path,
) -> None:
    original = write_paired_bag(tmp_path / 'original', '1', labels=('sit', 'walk'))
    expected = windows_of(original)
    turned = windows_of(record_turned(tmp_path / 'turned', original))
    silent = windows_of(record_turned(tmp_path / 'silent', original, declared=False))
    for name in STREAMS:
        assert len(expected[name].values) > 10
        assert np.array_equal(turned[name].values, expected[name].values)
        assert np.array_equal(turned[name].ends_ns, expected[name].ends_ns)
        assert not np.array_equal(silent[name].values, expected[name].values)

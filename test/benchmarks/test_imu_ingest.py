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

"""What the benchmark of IMUs compares does the same on both sides."""

import numpy as np

from benchmarks.imu_ingest import PlainWindows, WINDOW
from test.messages import EPOCH, imu_bytes, SECOND
from xmodal_ros.modalities.imu.decoder import IMU_TYPE, ImuDecoder
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.intake import SensorIntake


def test_plain_windows_are_ours_of_a_stream_without_faults() -> None:
    # Slower than the grid, where both interpolate linearly; faster ones ours averages.
    stamps = range(EPOCH, EPOCH + 5 * SECOND, SECOND // 40)
    rng = np.random.default_rng(0)
    messages = [imu_bytes(t, [*rng.normal(0, 5, 3)], [*rng.normal(0, 1, 3)]) for t in stamps]
    ours = list(SensorIntake(ImuStream(), WINDOW, IMU_TYPE).windows(messages))

    plain, decode = PlainWindows(WINDOW), ImuDecoder()
    windows = [
        window
        for sample in map(decode, messages)
        for window in plain.push(sample.stamp_ns, sample.values)
    ]

    assert len(windows) == len(ours) == 5
    for window, expected in zip(windows, ours, strict=True):
        # Times since the epoch as floating-point numbers are good to 256 ns.
        np.testing.assert_allclose(window, expected.values, atol=1e-3)

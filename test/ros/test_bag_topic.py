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

"""Which topic of a recording a bundle is for."""

from pathlib import Path

import pytest

from test.bundles import make_imu_bundle
from test.recordings import clips, write_imu_bag
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError, BundleError
from xmodal_ros.ros.bag_topic import bag_topic


def test_the_topic_is_that_of_the_sensor_named_in_the_bundle(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=1))
    with BagReader(bag) as reader:
        assert bag_topic(reader, make_imu_bundle(tmp_path / 'bundle')) == '/imu'


def test_another_sensor_or_no_bundle_is_an_error(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=1))
    bundle = make_imu_bundle(tmp_path / 'bundle', sensor='imu_thigh')
    with BagReader(bag) as reader:
        with pytest.raises(BagError, match="no sensor or sensor topic 'imu_thigh'"):
            bag_topic(reader, bundle)
        with pytest.raises(BundleError, match='is no bundle'):
            bag_topic(reader, tmp_path)

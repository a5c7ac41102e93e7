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

import json
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
import pytest

from test.waiting import run_python
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_standalone import interfaces
from xmodal_standalone.venv import Venv

INTERFACES = Path(__file__).parents[2] / 'standalone' / 'interfaces'
MESSAGES = sorted(
    f'{path.parent.parent.name}/msg/{path.stem}' for path in INTERFACES.glob('*/msg/*.msg')
)


def type_hash(message: str) -> str:
    package, _, name = message.split('/')
    file = Path(get_package_share_directory(package)) / 'msg' / f'{name}.json'
    for entry in json.loads(file.read_text())['type_hashes']:
        if entry['type_name'] == message:
            return str(entry['hash_string'])
    raise AssertionError(f'{file} has no hash of {message}')


@pytest.mark.parametrize(
    ('message', 'released'),
    [
        (
            'vision_msgs/msg/Classification',
            'RIHS01_f74db28d0eaef3afb78f48bf2161cd709a1383a0309d3454383b25be11345143',
        ),
        (
            'tf2_msgs/msg/TFMessage',
            'RIHS01_e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087',
        ),
    ],
)
def test_messages_have_the_type_hashes_of_the_released_packages(
    message: str, released: str
) -> None:
    # Names and types of the fields alone make the hash: ROS 2 Jazzy's own packages have these.
    assert type_hash(message) == released


def test_live_nodes_announce_the_same_hash() -> None:
    script = (
        'import rclpy\n'
        'import time\n'
        'from vision_msgs.msg import Classification\n'
        'rclpy.init()\n'
        "node = rclpy.create_node('announcer')\n"
        "node.create_publisher(Classification, 'activity', 1)\n"
        "while not (found := node.get_publishers_info_by_topic('/activity')):\n"
        '    time.sleep(0.01)\n'  # The graph tells of it some time later.
        'print(found[0].topic_type_hash)\n'
    )
    assert run_python(script).stdout.strip() == type_hash('vision_msgs/msg/Classification')


@pytest.mark.parametrize('message', MESSAGES)
def test_bags_and_live_nodes_agree_on_every_message_type(message: str) -> None:
    assert TYPESTORE.hash_rihs01(message) == type_hash(message)


def test_foreign_folders_in_cmake_files_become_ours(tmp_path: Path) -> None:
    file = tmp_path / 'share/std_msgs/cmake/std_msgsExport.cmake'
    file.parent.mkdir(parents=True)
    file.write_text(
        'INCLUDES "/opt/python/cp312-cp312/include/python3.12;'
        '/opt/python/cp312-cp312/lib/python3.12/site-packages/numpy/_core/include"'
    )
    venv = Venv(tmp_path, beside_ros=False, lock=0)
    interfaces.correct_paths(venv)
    text = file.read_text()
    assert '/opt/python' not in text
    assert f'{venv.site_packages}/numpy/_core/include' in text
    interfaces.correct_paths(venv)
    assert file.read_text() == text

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

"""Recording by ``ros2 bag``: how it is started and ended.

No Python registry has it: a script takes its place, and writes down what it was told.
"""

import json
from pathlib import Path
import threading
from types import SimpleNamespace

import pytest

from xmodal_ros.errors import ConfigurationError, XmodalError
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.tools.record import ros2_bag
from xmodal_ros.tools.record.choice import Chosen
from xmodal_ros.tools.record.ros2_bag import record_by_ros2_bag, ros2_bag_command

TOPICS = (
    Chosen('/imu', 'sensor_msgs/msg/Imu', Sensor('wrist', 'imu', '/imu')),
    Chosen('/odom', 'nav_msgs/msg/Odometry'),
)
SCRIPT = """#!/bin/sh
trap 'exit {code}' INT
mkdir "$6"
printf '%s\\n' "$@" > "$6/told"
while :; do sleep 0.05; done
"""


def test_ros2_bag_is_told_topics_and_what_a_bag_says_of_itself() -> None:
    command = ros2_bag_command(Path('out'), TOPICS, 'anna', {'room': 'kitchen'})
    assert command[:7] == ['ros2', 'bag', 'record', '--storage', 'mcap', '--output', 'out']
    assert command[-3:] == ['--topics', '/imu', '/odom']
    data = dict(each.split('=') for each in command[8:-3])
    assert (data['subject'], data['room']) == ('anna', 'kitchen')
    assert json.loads(data['sensors'])[0]['name'] == 'wrist'
    with pytest.raises(ConfigurationError, match='takes no "="'):
        ros2_bag_command(Path('out'), TOPICS, '', {'a': 'b=c'})


def record_by_a_script(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int, script: str = SCRIPT
) -> Path:
    (path / 'ros2').write_text(script.format(code=code))
    (path / 'ros2').chmod(0o755)
    monkeypatch.setenv('PATH', f'{path}:/usr/bin:/bin')
    out, over = path / 'bag', threading.Event()

    def end_once_it_records() -> None:
        while not (out / 'told').exists():
            threading.Event().wait(0.02)
        over.set()

    threading.Thread(target=end_once_it_records, daemon=True).start()
    record_by_ros2_bag(out, TOPICS, '', {}, over, None)
    return out


def test_it_is_ended_as_by_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = (record_by_a_script(tmp_path, monkeypatch, 0) / 'told').read_text()
    assert told.startswith('bag\nrecord\n')


def test_its_failure_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(XmodalError, match='exit code 3'):
        record_by_a_script(tmp_path, monkeypatch, 3)


def test_it_ends_when_the_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'ros2').write_text(SCRIPT.format(code=0))
    (tmp_path / 'ros2').chmod(0o755)
    monkeypatch.setenv('PATH', f'{tmp_path}:/usr/bin:/bin')
    out = tmp_path / 'bag'
    # Time is over once the script has begun, however long that takes.
    clock = SimpleNamespace(monotonic=lambda: 10.0 if (out / 'told').exists() else 0.0)
    monkeypatch.setattr(ros2_bag, 'time', clock)
    record_by_ros2_bag(out, TOPICS, '', {}, threading.Event(), 10.0)
    assert out.exists()


def test_one_that_does_not_hear_is_ended_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ros2_bag, '_ENDS_WITHIN_S', 0.1)
    deaf = SCRIPT.replace("'exit {code}'", "''")
    with pytest.raises(XmodalError, match='exit code -9'):
        record_by_a_script(tmp_path, monkeypatch, 0, deaf)


def test_where_it_is_not_installed_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(ConfigurationError, match='leave --ros2-bag out'):
        record_by_ros2_bag(tmp_path / 'bag', TOPICS, '', {}, threading.Event(), None)

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

"""What ``xmodal record`` is asked for, and a recording of a real graph that ends whole."""

from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
import json
import os
from pathlib import Path
import shutil
import signal
import threading
from typing import Any

import pytest
from sensor_msgs.msg import Imu
from std_msgs.msg import String
from typer.testing import CliRunner

from test.bundles import make_imu_bundle
from test.live.graph import BEST_EFFORT, LATCHED, watching
from test.live.talker import Stream, talking
from xmodal_ros.bags.inspection import inspect_bag
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.cli.main import app
from xmodal_ros.cli.record_wanted import Asked
from xmodal_ros.errors import ConfigurationError, XmodalError
from xmodal_ros.ros.isolation import isolated_process, reserved_domain
from xmodal_ros.streams.placement import angles_from_rotation
from xmodal_ros.tools.record.choice import Wanted
from xmodal_ros.tools.record.recorder import Recorder

TABLE = """
perception:
  ros__parameters:
    sensors:
      imu_wrist: {modality: imu, topic: wrist/imu, mounting_rotation: [180.0, 0.0, 0.0]}
      camera: {topic: /front/image}
"""
Usage = namedtuple('Usage', 'total used free')


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ['record', *arguments])


def test_a_table_of_sensors_and_a_bundle_say_what_to_record(tmp_path: Path) -> None:
    table = tmp_path / 'perception.yaml'
    table.write_text(TABLE)
    asked = Asked(
        topics=('/odom', 'hip=hip/imu'),
        models=(make_imu_bundle(tmp_path / 'model', sensor='hip'),),
        sensors=table,
    )
    found = {each.sensor or each.topic: each for each in asked.wanted()}
    assert found['/odom'] == Wanted('/odom')
    assert found['hip'] == Wanted('/hip/imu', 'hip', 'imu')
    assert found['camera'] == Wanted('/front/image', 'camera', 'camera')
    wrist = found['imu_wrist']
    assert (wrist.topic, wrist.modality) == ('/wrist/imu', 'imu')
    assert wrist.placement.rotation is not None
    assert angles_from_rotation(wrist.placement.rotation) == pytest.approx((180, 0, 0))


def test_what_cannot_be_recorded_is_refused_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'bag').mkdir()
    no_table = tmp_path / 'none.yaml'
    no_table.write_text('a: 1')
    for arguments, words in (
        (['bag'], 'is not overwritten'),
        ([f'{no_table}/new'], 'is a file, not a folder: give another OUT'),
        (['new', '--topic', '='], 'no NAME=TOPIC'),
        (['new', '--note', 'subject=anna'], 'no KEY=TEXT'),
        (['new', '--sensors', str(no_table)], 'lay it out like config/perception.yaml'),
    ):
        result = run(str(tmp_path / arguments[0]), *arguments[1:])
        assert isinstance(result.exception, ConfigurationError), result.output
        assert words in str(result.exception)
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: Usage(1 << 40, 0, 1 << 20))
    result = run(str(tmp_path / 'new'))
    assert 'only 1 MiB are left' in str(result.exception)
    assert not (tmp_path / 'new').exists()


@contextmanager
def robot() -> Iterator[None]:
    """An IMU on a best-effort topic, and the truth, latched, from before anybody listened."""

    def say(stamp: int) -> Imu:
        message = Imu()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 10**9)
        message.linear_acceleration.z = 9.81
        return message

    with (
        reserved_domain() as domain,
        isolated_process(domain),
        watching() as node,
        node.publisher(Imu, '/wrist/imu', BEST_EFFORT) as imu,
        node.publisher(String, '/activity_label', LATCHED) as truth,
    ):
        truth.publish(String(data='walk'))
        with talking([Stream(imu, 100, say)]):
            yield


def once_heard(monkeypatch: pytest.MonkeyPatch, do: Callable[[], None]) -> None:
    """Do something once messages of both topics have been written."""
    step, done = Recorder.step, threading.Event()

    def then(recorder: Recorder, writer: BagWriter) -> None:
        step(recorder, writer)
        counts = {name: topic.count for name, topic in recorder.topics.items()}
        heard = counts.get('/wrist/imu', 0) > 1 and counts.get('/activity_label', 0)
        if heard and not done.is_set():
            done.set()
            do()

    monkeypatch.setattr(Recorder, 'step', then)


def test_where_no_sensor_is_there_it_is_not_proposed_to_do_without_one(tmp_path: Path) -> None:
    with reserved_domain() as domain, isolated_process(domain):
        result = run(str(tmp_path / 'bag'), '--wait', '0')
    words = 'start a driver, or wait longer with --wait; "xmodal doctor" looks closer'
    assert str(result.exception).endswith(words)


def test_a_recording_ends_whole_by_ctrl_c_and_by_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with robot():
        missing = run(str(tmp_path / 'bag'), '--topic', '/wrist/imo', '--wait', '0')
        assert 'after 0 s: /wrist/imo is not published' in str(missing.exception)

        once_heard(monkeypatch, lambda: os.kill(os.getpid(), signal.SIGINT))
        arguments = ['--topic', 'wrist=/wrist/imu', '--subject', 'anna', '--wait', '120']
        told = tmp_path / 'told.json'
        result = run(str(tmp_path / 'bag'), *arguments, '--json', str(told))
        assert result.exit_code == 0, (result.output, result.exception)
        monkeypatch.undo()
        once_heard(
            monkeypatch,
            lambda: monkeypatch.setattr(shutil, 'disk_usage', lambda _: Usage(9, 9, 0)),
        )
        full = run(str(tmp_path / 'full'), *arguments)
        assert isinstance(full.exception, XmodalError)
        assert 'only 0 MiB are left' in str(full.exception)

    for name in ('bag', 'full'):
        with BagReader(tmp_path / name) as reader:
            found = inspect_bag(reader)
            topics = {topic.name: topic for topic in reader.topics.values()}
        assert found.subject == 'anna'
        assert [sensor.name for sensor in found.sensors] == ['wrist']
        assert topics['/wrist/imu'].count > 1
        assert topics['/activity_label'].count == 1
        assert topics['/activity_label'].latched
        assert not topics['/wrist/imu'].latched
    counts = {each['topic']: each['messages'] for each in json.loads(told.read_text())['topics']}
    with BagReader(tmp_path / 'bag') as reader:
        assert counts == {topic.name: topic.count for topic in reader.topics.values()}
    assert 'best_effort' in (tmp_path / 'bag' / 'metadata.yaml').read_text()

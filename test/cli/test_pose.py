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

"""``xmodal pose`` writes recordings anew with skeletons; the nets are stand-ins that find dots."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from test.messages import EPOCH, image_bytes, imu_bytes, SECOND
from test.pose.stand_ins import make_estimator, picture_of
from xmodal_ros.bags.labels import read_segments, write_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.cli import pose_run
from xmodal_ros.cli.main import app
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.camera.stream import IMAGE_TYPE
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.pose.messages import skeleton_message

EMPTY = np.full((60, 80, 3), 90, np.uint8)
SEGMENTS = (Segment(EPOCH, EPOCH + SECOND, 'wave'),)
EYE, WRIST = Sensor('eye', 'camera', '/eye'), Sensor('wrist', 'imu', '/imu')


def somebody(step: int) -> Any:
    return picture_of(60, 80, (40, 30), (40 + 2 * step, 10), size=3)


PICTURES = [somebody(0), somebody(1), EMPTY, somebody(2), somebody(3)]
# The last one is cut off.
SHOWN = [image_bytes(EPOCH + n * SECOND // 10 + 5, p, 'rgb8') for n, p in enumerate(PICTURES)]
MESSAGES = [*SHOWN, SHOWN[0][:500]]


@pytest.fixture(autouse=True)
def _stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pose_run, 'load_estimator', lambda _weights: make_estimator()[0])


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    metadata = {'room': 'kitchen', 'importer': 'of another bag'}
    with BagWriter(
        tmp_path / 'session_2', sensors=[EYE, WRIST], subject='anna', metadata=metadata
    ) as writer:
        write_segments(writer, SEGMENTS)
        for number, data in enumerate(MESSAGES):
            at = EPOCH + number * SECOND // 10
            writer.write('/eye', IMAGE_TYPE, at + 9, data)
            writer.write('/imu', IMU_TYPE, at, imu_bytes(at, (0, 0, 9.81), (0, 0, 0)))
    return tmp_path / 'session_2'


def invoke(*words: object) -> Any:
    return CliRunner().invoke(app, ['pose', *map(str, words), '--weights', 'any'])


def messages(bag: Path, topic: str) -> list[tuple[int, bytes]]:
    with BagReader(bag) as reader:
        return [(each.received_ns, each.data) for each in reader.messages([topic])]


def test_skeletons_are_those_of_the_estimator_and_all_else_comes_along(
    bag: Path, tmp_path: Path
) -> None:
    out, told = tmp_path / 'out', tmp_path / 'told.json'
    before = sorted((each, each.read_bytes()) for each in bag.iterdir())
    result = invoke(bag, out, '--json', told)
    assert result.exit_code == 0, (result.stderr, result.exception)
    estimator, _, _ = make_estimator()
    expected = [
        (EPOCH + n * SECOND // 10 + 9, message)
        for n, data in enumerate(SHOWN)
        if (message := skeleton_message(estimator, IMAGE_TYPE, data)) is not None
    ]
    assert messages(out, '/skeleton') == expected
    assert len(expected) == 4
    for topic in ('/eye', '/imu', '/activity_label'):
        assert messages(out, topic) == messages(bag, topic)
    with BagReader(out) as reader:
        assert reader.sensors == (EYE, WRIST, Sensor('skeleton', 'skeleton', '/skeleton'))
        assert (reader.subject, reader.session) == ('anna', 'session_2')
        assert reader.metadata['room'] == 'kitchen'
        assert 'importer' not in reader.metadata
        assert read_segments(reader) == SEGMENTS
    assert sorted((each, each.read_bytes()) for each in bag.iterdir()) == before
    found = json.loads(told.read_text())
    counts = {key: found[key] for key in ('pictures', 'skeletons', 'nobody', 'refused')}
    assert counts == {'pictures': 6, 'skeletons': 4, 'nobody': 1, 'refused': {'truncated': 1}}
    assert '4 skeletons on /skeleton, of 6 pictures; nobody in 1' in result.stderr
    assert '1 pictures cannot be used' in result.stderr


def test_labels_of_a_file_win_and_become_messages(bag: Path, tmp_path: Path) -> None:
    (bag / 'labels.csv').write_text('start,end,label\n0.1,0.4,sit\n')
    assert invoke(bag, tmp_path / 'out').exit_code == 0
    with BagReader(bag) as reader, BagReader(tmp_path / 'out') as anew:
        assert [each.label for each in read_segments(reader)] == ['sit']
        assert read_segments(anew) == read_segments(reader)


def test_nothing_is_overwritten(bag: Path, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    out.mkdir()
    result = invoke(bag, out)
    assert isinstance(result.exception, BagError)
    assert 'exists already and is not overwritten' in str(result.exception)
    assert not list(out.iterdir())


def test_where_nobody_is_seen_nothing_is_written(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'bag', sensors=[EYE]) as writer:
        writer.write('/eye', IMAGE_TYPE, EPOCH, image_bytes(EPOCH, EMPTY, 'rgb8'))
    result = invoke(tmp_path / 'bag', tmp_path / 'out')
    assert isinstance(result.exception, BagError)
    assert 'nobody is seen in any of 1 pictures on /eye' in str(result.exception)
    assert sorted(each.name for each in tmp_path.iterdir()) == ['bag']


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (['--topic', 'imu'], "has a topic /imu or a sensor 'imu' already"),
        (['--topic', '/wrist'], "has a topic /wrist or a sensor 'wrist' already"),
        (['--camera', 'wrist'], "sensor 'wrist' of bag .* is no camera but imu"),
        (['--camera', 'ear'], "has no sensor or sensor topic 'ear'"),
    ],
)
def test_what_cannot_be_is_told(bag: Path, tmp_path: Path, words: list[str], said: str) -> None:
    with pytest.raises(BagError, match=said):
        raise invoke(bag, tmp_path / 'out', *words).exception


def test_of_several_cameras_one_is_to_be_named(tmp_path: Path) -> None:
    cameras = [EYE, Sensor('other', 'camera', '/other')]
    with BagWriter(tmp_path / 'bag', sensors=cameras) as writer:
        for topic in ('/eye', '/other'):
            writer.write(topic, IMAGE_TYPE, EPOCH, SHOWN[0])
    result = invoke(tmp_path / 'bag', tmp_path / 'out')
    assert 'has 2 cameras: name one of eye, other' in str(result.exception)
    assert invoke(tmp_path / 'bag', tmp_path / 'out', '--camera', 'other').exit_code == 0

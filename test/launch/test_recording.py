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

"""What a launch file asks of a recording, in whichever Python can read it."""

from pathlib import Path
import sys

import pytest

from test.bags.recordings import string_message
from test.bundles import make_imu_bundle
from test.launch.files import NAMES
from test.messages import EPOCH, imu_bytes
from test.recordings import clips, IMU, IMU_TYPE, write_imu_bag
from test.waiting import run_python
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.dependencies import OF_NODES, Unmet
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.launching import recording
from xmodal_ros.launching.recording import look_into, Question

# All that a launch file may import beside Python's own and what comes with ROS's launch.
ALLOWED = ('xmodal_ros', 'yaml', '_yaml', 'ament_index_python')


@pytest.fixture
def too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this Python one that lacks what it takes to read a recording."""
    monkeypatch.setattr(recording, 'unmet', lambda _: iter([Unmet(OF_NODES[0])]))
    monkeypatch.setenv('PATH', str(Path(sys.executable).parent))


def test_launch_files_need_nothing_that_nodes_may_lack() -> None:
    modules = [f'xmodal_ros.launching.{name}' for name in NAMES]
    code = (
        'import sys\n'
        'class Finder:\n'
        '    def find_spec(self, name, path=None, target=None):\n'
        '        first = name.partition(".")[0]\n'
        f'        if first not in sys.stdlib_module_names and first not in {ALLOWED}:\n'
        '            raise ImportError(f"{name} may be missing")\n'
        'sys.meta_path.insert(0, Finder())\n'
        'from importlib import import_module\n'
        f'for name in {modules}:\n'
        '    file = getattr(import_module(name), name.rpartition(".")[2].upper())\n'
        '    if file.name != "evaluate":\n'
        '        file.plan({})\n'
    )
    run_python(code)


def test_what_this_python_cannot_read_that_of_the_nodes_does(
    too_old: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=1))
    bundle = make_imu_bundle(tmp_path / 'bundle')
    question = Question(str(bag), '', {'imu': str(bundle)}, {}, declared=True)
    answer = look_into(question)
    monkeypatch.undo()
    assert answer.topics == {'imu': '/imu'}
    assert look_into(question) == answer


def test_what_that_python_says_is_said_here(too_old: None, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match='does not exist: check the path'):
        look_into(Question(str(tmp_path / 'none'), '', {}, {}))


def test_homes_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=1))
    make_imu_bundle(tmp_path / 'bundle')
    monkeypatch.setenv('HOME', str(tmp_path))
    assert look_into(Question('~/bag', '', {'imu': '~/bundle'}, {})).recorded == ['/imu']


@pytest.mark.parametrize(
    ('topic', 'meant'), [('', '/imu'), ('imu', 'imu'), ('/elsewhere', '/imu')]
)
def test_a_model_of_the_file_listens_where_its_sensor_was_recorded(
    topic: str, meant: str, tmp_path: Path
) -> None:
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=1))
    bundle = make_imu_bundle(tmp_path / 'bundle')
    model, given = {'wrist': str(bundle)}, {'wrist': topic}
    answer = look_into(Question(str(bag), '', model, given, guesses=['wrist']))
    assert answer.topics == {'wrist': meant}
    assert answer.recorded == ['/imu']
    # One that is given as an argument stays where it was said to be.
    answer = look_into(Question(str(bag), '', model, {'wrist': '/elsewhere'}))
    assert answer.topics == {'wrist': '/elsewhere'}


def test_a_sensor_that_is_in_the_file_need_not_be_recorded(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=1))
    model = {'wrist': str(make_imu_bundle(tmp_path / 'bundle', sensor='other'))}
    answer = look_into(Question(str(bag), '', model, {'wrist': '/mine'}, guesses=['wrist']))
    assert answer.topics == {'wrist': '/mine'}
    with pytest.raises(BagError, match='other'):
        look_into(Question(str(bag), '', model, {}))


@pytest.mark.parametrize('namespace', ['', '/robot'])
def test_what_the_nodes_publish_themselves_is_not_played(namespace: str, tmp_path: Path) -> None:
    bag = tmp_path / 'bag'
    kept = ['/activity_label', '/imu', '/other/activity', '/other_classifier/activity']
    own = ['activity', 'activity/label', 'activity/source', 'wrist_classifier/activity']
    own += ['wrist_classifier/labels', 'skeleton']
    with BagWriter(bag, sensors=[IMU]) as writer:
        writer.write('/imu', IMU_TYPE, EPOCH, imu_bytes(EPOCH))
        for topic in ['/diagnostics', *(f'{namespace}/{name}' for name in own), *kept]:
            if topic != '/imu':
                writer.write_message(topic, string_message('sit'), EPOCH)
    models = {'wrist': str(make_imu_bundle(tmp_path / 'bundle'))}
    question = Question(str(bag), namespace, models, {}, published=['skeleton'])
    assert sorted(look_into(question).played) == kept


def test_all_of_a_recording_is_played_that_holds_nothing_of_the_nodes(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=1))
    models = {'wrist': str(make_imu_bundle(tmp_path / 'bundle'))}
    assert not look_into(Question(str(bag), '', models, {})).played

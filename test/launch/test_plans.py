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

"""What the launch files start, and how it ends."""

from pathlib import Path

import pytest
import yaml

from test.bags.recordings import string_message
from test.bundles import make_imu_bundle
from test.launch.files import planned
from test.messages import EPOCH, imu_bytes
from test.recordings import clips, IMU, IMU_TYPE, write_imu_bag
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.launching.arguments import share
from xmodal_ros.launching.plan import ProcessSpec, Shutdown
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec


def started(name: str, **arguments: object) -> dict[str, ProcessSpec]:
    return {spec.executable: spec for spec in planned(name, arguments).processes}


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    return write_imu_bag(tmp_path / '12.5', clips(['sit'], seconds=1))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_imu_bundle(tmp_path / '2024')


def test_perception_is_live_without_a_recording() -> None:
    processes = started('perception', imu_model='models/imu', namespace='robot', selector='True')
    assert processes == {
        'perception': ProcessSpec(
            'perception',
            {'use_sim_time': False, 'selector': True, 'sensors.imu.model': 'models/imu'},
            params_file=str(share('config', 'perception.yaml')),
            namespace='robot',
            at_exit=Shutdown('perception has ended'),
        )
    }


def test_perception_plays_a_recording_and_ends_with_it(bag: Path, bundle: Path) -> None:
    processes = started('perception', imu_model=bundle, bag=bag, rate=4, device='cpu')
    assert processes['perception'].parameters == {
        'use_sim_time': True,
        'sensors.imu.model': str(bundle),
        'sensors.imu.topic': '/imu',
        'sensors.imu.device': 'cpu',
    }
    player = processes['bag_player']
    assert player.parameters == {
        'bag': str(bag),
        'rate': 4.0,
        'loop': False,
        'wait_for_subscribers': ['/imu'],
    }
    assert player.at_exit == Shutdown('bag_player has ended')


@pytest.mark.parametrize('name', ['perception', 'evaluate'])
def test_what_a_robot_once_said_is_not_played_again(
    name: str, bundle: Path, tmp_path: Path
) -> None:
    bag = tmp_path / 'of_a_robot'
    with BagWriter(bag, sensors=[IMU]) as writer:
        writer.write('/imu', IMU_TYPE, EPOCH, imu_bytes(EPOCH))
        writer.write_message('/imu_classifier/labels', string_message('sit'), EPOCH)
    player = started(name, imu_model=bundle, bag=bag)['bag_player']
    assert player.parameters['topics'] == ['/imu']


def test_a_recording_may_be_played_in_real_time(bag: Path, bundle: Path) -> None:
    perception = started('perception', imu_model=bundle, bag=bag, use_sim_time='false')
    assert perception['perception'].parameters['use_sim_time'] is False


@pytest.mark.parametrize('device', ['cpu', ''])
def test_settings_of_models_are_for_sensors_whose_model_is_given(device: str) -> None:
    parameters = started('perception', camera_topic='/camera', device=device)
    assert parameters['perception'].parameters == {
        'use_sim_time': False,
        'sensors.camera.topic': '/camera',
    }


def test_the_player_waits_for_the_sensors_of_the_file_too(bag: Path, tmp_path: Path) -> None:
    sensors = {
        'wrist': {'modality': 'imu', 'topic': 'imu', 'model': '/models/imu'},
        'ankle': {'modality': 'imu', 'topic': '/not_recorded', 'model': '/models/imu'},
        'camera': {'topic': '/imu'},
    }
    parameters = tmp_path / 'mine.yaml'
    content = {'/**/perception': {'ros__parameters': {'sensors': sensors}}}
    parameters.write_text(yaml.dump(content))
    player = started('perception', bag=bag, params_file=parameters)['bag_player']
    assert player.parameters['wait_for_subscribers'] == ['/imu']


@pytest.mark.parametrize('content', ['', '- 1', '{', 'a: {ros__parameters: {sensors: 1}}', 'a: 1'])
def test_what_is_wrong_with_the_file_is_left_for_the_nodes_to_say(
    content: str, bag: Path, tmp_path: Path
) -> None:
    parameters = tmp_path / 'mine.yaml'
    parameters.write_text(content)
    processes = started('perception', bag=bag, params_file=parameters)
    assert processes['perception'].params_file == str(parameters)
    assert 'wait_for_subscribers' not in processes['bag_player'].parameters


@pytest.mark.parametrize(
    ('name', 'sender'),
    [
        ('perception', 'bag_player'),
        ('drivers', 'camera'),
        ('bringup', 'camera'),
        ('evaluate', 'bag_player'),
    ],
)
def test_who_sends_images_alone_gets_room_in_shared_memory_unless_the_user_has_set_up_dds(
    name: str, sender: str, bag: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv('FASTRTPS_DEFAULT_PROFILES_FILE', raising=False)
    monkeypatch.delenv('FASTDDS_DEFAULT_PROFILES_FILE', raising=False)
    arguments: dict[str, object] = {}
    if name in {'evaluate', 'perception'}:
        arguments = {'bag': bag, 'imu_model': bundle}
    profile = str(share('config', 'fastdds.xml'))
    room = {
        'FASTRTPS_DEFAULT_PROFILES_FILE': profile,
        'FASTDDS_DEFAULT_PROFILES_FILE': profile,
    }
    if name == 'bringup':
        arguments = {'camera': True, 'microphone': True}
    processes = started(name, **arguments)
    assert sender in processes
    for executable, process in processes.items():
        assert process.environment == (room if executable == sender else {})
    for variable in room:
        with monkeypatch.context() as changed:
            changed.setenv(variable, 'mine.xml')
            assert not any(each.environment for each in started(name, **arguments).values())


def test_both_drivers_start_and_start_again() -> None:
    processes = started('drivers')
    assert processes.keys() == {'camera', 'microphone'}
    for process in processes.values():
        assert process.parameters == {'use_sim_time': False}
        assert process.params_file == str(share('config', 'drivers.yaml'))
        assert process.respawn
        assert process.at_exit is None
    assert not started('drivers', use_respawn='false')['camera'].respawn


def test_a_drivers_device_stays_a_string() -> None:
    processes = started('drivers', camera_device='0', microphone_device='2', camera_loop='1')
    assert processes['camera'].parameters == {'use_sim_time': False, 'device': '0', 'loop': True}
    assert processes['microphone'].parameters == {'use_sim_time': False, 'device': '2'}


def test_a_driver_may_be_left_out() -> None:
    assert started('drivers', microphone='False').keys() == {'camera'}


@pytest.mark.parametrize(
    ('arguments', 'wanted'),
    [
        ({}, set()),
        ({'imu_model': 'models/imu'}, set()),
        ({'camera_model': 'models/camera'}, {'camera'}),
        ({'audio_model': 'models/audio'}, {'microphone'}),
        ({'skeleton_model': 'models/skeleton'}, set()),
        ({'pose_weights': 'mediapipe.whl'}, {'camera', 'pose_estimator'}),
        ({'pose_weights': 'mediapipe.whl', 'camera': 'false'}, {'pose_estimator'}),
        ({'audio_model': 'models/audio', 'microphone': 'false'}, set()),
        ({'camera': 'true'}, {'camera'}),
    ],
)
def test_bringup_starts_the_drivers_of_the_sensors_that_have_a_model(
    arguments: dict[str, str], wanted: set[str]
) -> None:
    assert started('bringup', **arguments).keys() == {'perception', *wanted}


def test_bringup_gives_each_part_its_parameters(tmp_path: Path) -> None:
    mine, of_drivers = tmp_path / 'perception.yaml', tmp_path / 'drivers.yaml'
    mine.touch()
    of_drivers.touch()
    processes = started(
        'bringup',
        camera_model='models/camera',
        camera_device='/dev/video2',
        imu_topic='/imu/data',
        params_file=mine,
        drivers_params_file=of_drivers,
        namespace='robot',
        log_level='DEBUG',
        use_respawn='0',
    )
    perception, camera = processes['perception'], processes['camera']
    assert perception.parameters == {
        'use_sim_time': False,
        'sensors.imu.topic': '/imu/data',
        'sensors.camera.model': 'models/camera',
    }
    assert camera.parameters == {'use_sim_time': False, 'device': '/dev/video2'}
    assert perception.params_file == str(mine)
    assert camera.params_file == str(of_drivers)
    assert not camera.respawn
    assert {spec.namespace for spec in processes.values()} == {'robot'}
    assert {spec.log_level for spec in processes.values()} == {'debug'}


def test_skeletons_come_from_the_cameras_pictures_where_weights_are_given() -> None:
    arguments = {'skeleton_model': '/models/skeleton', 'pose_weights': 'mediapipe.whl'}
    processes = started('perception', **arguments, camera_topic='/front', namespace='robot')
    estimator = processes['pose_estimator']
    assert estimator == ProcessSpec(
        'pose_estimator',
        {'use_sim_time': False, 'weights': 'mediapipe.whl', 'image_topic': '/front'},
        params_file=str(share('config', 'perception.yaml')),
        namespace='robot',
        at_exit=Shutdown('pose_estimator has ended'),
    )
    perception = processes['perception'].parameters
    assert perception['sensors.skeleton.model'] == '/models/skeleton'
    assert perception['sensors.skeleton.topic'] == 'skeleton'
    again = started('perception', **arguments, use_respawn='true')['pose_estimator']
    assert (again.respawn, again.at_exit) == (True, None)
    # What another node publishes may be chosen all the same.
    other = started('perception', **arguments, skeleton_topic='/body')['perception']
    assert other.parameters['sensors.skeleton.topic'] == '/body'
    assert (
        'sensors.skeleton.topic'
        not in started('perception', pose_weights='w')['perception'].parameters
    )
    assert started('perception', skeleton_model='m').keys() == {'perception'}


def test_pictures_of_a_recording_or_of_the_file_are_looked_at_and_awaited(
    bag: Path, bundle: Path, tmp_path: Path
) -> None:
    # That the topic is an IMU's, and the bundle too, does not matter to what is started.
    by_argument = started('perception', bag=bag, pose_weights='w', camera_topic='/imu')
    parameters = tmp_path / 'mine.yaml'
    sensors = {'camera': {'topic': 'imu'}}
    parameters.write_text(yaml.dump({'/**': {'ros__parameters': {'sensors': sensors}}}))
    by_file = started('perception', bag=bag, pose_weights='w', params_file=parameters)
    by_model = started(
        'perception', bag=bag, pose_weights='w', camera_model=bundle, skeleton_model=bundle
    )
    assert by_model['perception'].parameters['sensors.skeleton.topic'] == 'skeleton'
    # Nor does it go where the recording has skeletons, whoever names the model.
    sensors = {'skeleton': {'model': str(bundle)}}
    parameters.write_text(yaml.dump({'/**': {'ros__parameters': {'sensors': sensors}}}))
    in_file = started('perception', bag=bag, pose_weights='w', params_file=parameters)
    assert in_file['perception'].parameters['sensors.skeleton.topic'] == 'skeleton'
    for processes, topic in ((by_argument, '/imu'), (by_file, 'imu'), (by_model, '/imu')):
        estimator = processes['pose_estimator'].parameters
        assert estimator == {'use_sim_time': True, 'weights': 'w', 'image_topic': topic}
        assert processes['bag_player'].parameters['wait_for_subscribers'] == ['/imu']


def test_evaluation_scores_what_it_plays(bag: Path, bundle: Path, tmp_path: Path) -> None:
    three_seconds = WindowingSpec(rate_hz=50, length_ns=3 * SECOND_NS)
    longer = make_imu_bundle(tmp_path / 'longer', window=three_seconds)
    processes = started(
        'evaluate',
        bag=bag,
        imu_model=bundle,
        audio_model=longer,
        audio_topic='/not_recorded',
        report='05.json',
        rate=2,
    )
    assert processes['evaluator'].parameters == {
        'use_sim_time': True,
        'topics': ['imu_classifier/activity', 'audio_classifier/activity', 'activity'],
        'window': 3.0,
        'merge_labels': False,
        'end_with': '/clock',
        'diagnostics_period': 0.2,
        'bag': str(bag),
        'report': '05.json',
        'player': 'bag_player',
    }
    assert processes['bag_player'].parameters == {
        'bag': str(bag),
        'rate': 2.0,
        'start_paused': True,
        'wait_for_subscribers': ['/imu'],
    }
    perception = processes['perception'].parameters
    assert perception['sensors.imu.topic'] == '/imu'
    assert perception['sensors.imu.queue_size'] == 100_000
    assert perception['selector'] is True


def test_evaluation_ends_with_its_nodes_but_with_the_player_only_where_it_fails(
    bag: Path, bundle: Path
) -> None:
    processes = started('evaluate', bag=bag, imu_model=bundle)
    assert {name: spec.at_exit for name, spec in processes.items()} == {
        'perception': Shutdown('perception has ended'),
        'evaluator': Shutdown('evaluator has ended'),
        'bag_player': Shutdown('the recording could not be played', on_failure_only=True),
    }


def test_evaluation_may_leave_playing_and_the_selector_out(bag: Path, bundle: Path) -> None:
    processes = started('evaluate', bag=bag, imu_model=bundle, player='false', selector='false')
    assert processes.keys() == {'perception', 'evaluator'}
    assert 'player' not in processes['evaluator'].parameters
    assert processes['evaluator'].parameters['topics'] == ['imu_classifier/activity']
    assert processes['perception'].parameters['selector'] is False


def test_evaluation_of_a_topic_that_was_not_recorded_awaits_nobody(
    bag: Path, bundle: Path
) -> None:
    processes = started('evaluate', bag=bag, imu_model=bundle, imu_topic='/imu_ankle')
    assert 'wait_for_subscribers' not in processes['bag_player'].parameters


def test_evaluation_takes_a_recording_and_a_model(bag: Path, bundle: Path) -> None:
    for arguments in ({}, {'bag': bag}, {'imu_model': bundle}):
        with pytest.raises(ConfigurationError, match='a recording and a model are needed'):
            started('evaluate', **arguments)
    with pytest.raises(BagError, match='does not exist'):
        started('evaluate', bag=bag / 'none', imu_model=bundle)


def test_what_the_trainer_is_given_stays_strings_and_lists_of_them() -> None:
    trainer = started(
        'trainer',
        bags='/a,/b',
        test_subjects='05,6',
        option='weight=0.5',
        out='2024',
        target='imu',
        start_at_once='True',
        resume='0',
    )['trainer']
    assert trainer.parameters == {
        'exit_at_end': False,
        'bags': ['/a', '/b'],
        'test_subjects': ['05', '6'],
        'option': ['weight=0.5'],
        'target': 'imu',
        'out': '2024',
        'start_at_once': True,
        'resume': False,
    }
    assert trainer.at_exit == Shutdown('trainer has ended')


def test_a_robot_starts_its_perception_again_and_a_job_does_not() -> None:
    assert started('bringup', imu_model='models/imu')['perception'].respawn
    assert started('bringup', imu_model='models/imu')['perception'].at_exit is None
    alone = started('perception', imu_model='models/imu')['perception']
    assert not alone.respawn
    assert alone.at_exit == Shutdown('perception has ended')
    again = started('perception', imu_model='models/imu', use_respawn='True')['perception']
    assert again.respawn
    assert again.at_exit is None


@pytest.mark.parametrize('name', ['bringup', 'perception', 'drivers', 'trainer'])
def test_a_lifecycle_manager_may_have_the_transitions(name: str) -> None:
    arguments = {} if name in ('drivers', 'trainer') else {'imu_model': 'models/imu'}
    for spec in started(name, **arguments, autostart='False').values():
        assert spec.parameters['autostart'] is False
    for spec in started(name, **arguments).values():
        assert 'autostart' not in spec.parameters


def test_a_comparison_with_the_recording_is_given_its_time(bag: Path, bundle: Path) -> None:
    evaluator = started('evaluate', bag=bag, imu_model=bundle)['evaluator']
    assert evaluator.patience_s > 600


@pytest.mark.parametrize('name', ['bringup', 'perception', 'drivers', 'trainer'])
def test_a_file_of_parameters_that_is_not_there_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r'params_file:=.*none.yaml: there is no such'):
        started(name, params_file=tmp_path / 'none.yaml')


def test_a_rate_that_is_no_number_is_refused_though_nothing_is_played() -> None:
    with pytest.raises(ConfigurationError, match='rate:=fast is no number'):
        started('perception', imu_model='models/imu', rate='fast')


def test_a_model_of_the_file_listens_where_it_was_recorded(
    bag: Path, bundle: Path, tmp_path: Path
) -> None:
    sensors = {'wrist': {'modality': 'imu', 'model': str(bundle)}}
    parameters = tmp_path / 'mine.yaml'
    parameters.write_text(yaml.dump({'/**': {'ros__parameters': {'sensors': sensors}}}))
    perception = started('perception', bag=bag, params_file=parameters)['perception']
    assert perception.parameters['sensors.wrist.topic'] == '/imu'

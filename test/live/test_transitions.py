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

"""Every node goes every transition from every state, and its process ends in order from each."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
import signal

from lifecycle_msgs.msg import Transition
import pytest

from test.bundles import make_audio_bundle, make_camera_bundle, make_imu_bundle
from test.live.graph import NodeProcess, running, Watcher
from test.live.sound_server import skip_without_sound, SoundServer
from test.live.transitions import PATH_TO, refuse_wrong_ones, shut_down, walk
from test.videos import write_video

# The settings of each node with which it can be activated, made in a folder.
SETTINGS: Mapping[str, Callable[[Path], Mapping[str, object]]] = {
    'imu_classifier': lambda folder: {'model': str(make_imu_bundle(folder / 'imu'))},
    'activity_selector': lambda _folder: {'source_names': ['imu', 'camera']},
    'microphone': lambda _folder: {'device': 'pulse'},
    'camera': lambda folder: {'device': str(write_video(folder / 'x.avi', 10)), 'loop': True},
}
MAKE: Mapping[str, Callable[..., Path]] = {
    'imu': make_imu_bundle,
    'camera': make_camera_bundle,
    'audio': make_audio_bundle,
}


@pytest.fixture
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """What the node's process needs beside its settings: the microphone hears a sound server."""
    if request.getfixturevalue('node') != 'microphone':
        yield {}
        return
    skip_without_sound()
    (tmp_path / 'sound').mkdir()
    server = SoundServer(tmp_path / 'sound')
    server.start()
    yield server.environment
    server.stop()


def ends_in_order(node: NodeProcess, number: signal.Signals) -> None:
    code = node.end(number)
    assert code == 0, node.log
    assert 'Traceback' not in node.log, node.log
    assert 'unexpected' not in node.log, node.log


def start(
    folder: Path, node: str, part: str, environment: Mapping[str, str]
) -> AbstractContextManager[NodeProcess]:
    """Run a node named after the part that it plays, unconfigured."""
    folder.joinpath(part).mkdir()
    settings = {**SETTINGS[node](folder / part), 'autostart': False}
    arguments = ['-r', f'__node:={part}']
    return running(folder / part, node, settings, arguments=arguments, environment=environment)


# The other classifiers walk below, where they are in one process.
@pytest.mark.parametrize('node', SETTINGS)
def test_every_transition_from_every_state(
    watcher: Watcher, tmp_path: Path, node: str, environment: Mapping[str, str]
) -> None:
    with start(tmp_path, node, 'walking', environment) as process:
        walk(watcher, '/walking')
        assert 'transition 77 is not possible while unconfigured' in process.log
        ends_in_order(process, signal.SIGINT)


@pytest.mark.parametrize('node', ['activity_selector', 'microphone', 'camera'])
def test_shutdown_from_every_state(
    watcher: Watcher, tmp_path: Path, node: str, environment: Mapping[str, str]
) -> None:
    with ExitStack() as stack:
        # Side by side, for the time goes into starting them.
        processes = [
            (state, stack.enter_context(start(tmp_path, node, state, environment)))
            for state in PATH_TO
        ]
        for state, process in processes:
            shut_down(watcher, f'/{state}', state)
            ends_in_order(process, signal.SIGTERM)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_node_that_does_not_work(
    watcher: Watcher, tmp_path: Path, number: signal.Signals
) -> None:
    with ExitStack() as stack:
        processes = [
            (state, stack.enter_context(start(tmp_path, 'activity_selector', state, {})))
            for state in ('unconfigured', 'inactive')
        ]
        for state, process in processes:
            for transition in PATH_TO[state]:
                assert watcher.change(f'/{state}', transition)
            assert watcher.state(f'/{state}') == state
            ends_in_order(process, number)


def test_the_nodes_of_one_process_go_their_ways_without_each_other(
    watcher: Watcher, tmp_path: Path
) -> None:
    models = {modality: str(make(tmp_path / modality)) for modality, make in MAKE.items()}
    # One walks, and for each state one is shut down from it.
    parts = ('walking', *PATH_TO)
    settings: dict[str, object] = {'autostart': False}
    for modality, model in models.items():
        for part in parts:
            prefix = f'sensors.{modality}_{part}'
            settings |= {f'{prefix}.modality': modality, f'{prefix}.model': model}
    with running(tmp_path, 'perception', settings) as process:
        for modality in models:
            walk(watcher, f'/{modality}_walking_classifier')
        walk(watcher, '/activity_selector')
        for modality in models:
            for state in PATH_TO:
                shut_down(watcher, f'/{modality}_{state}_classifier', state)
        # Whatever became of the others.
        for modality in models:
            assert watcher.state(f'/{modality}_walking_classifier') == 'active'
        selector = '/activity_selector'
        assert watcher.change(selector, Transition.TRANSITION_ACTIVE_SHUTDOWN)
        refuse_wrong_ones(watcher, selector, 'finalized')
        ends_in_order(process, signal.SIGTERM)

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

"""How a node is started, configured and ended: what is wrong is said, and can be mended."""

from functools import partial
from pathlib import Path
import shutil

from rclpy.qos import QoSProfile
from sensor_msgs.msg import Imu

from test.bundles import make_camera_bundle, make_imu_bundle
from test.live.graph import BEST_EFFORT, is_active, is_error, running, Status, Watcher
from test.live.test_imu_classifier import motion, stamps_of
from test.messages import EPOCH, SECOND
from xmodal_ros.runtime import health

NAME = '/imu_classifier'


def says(words: str, status: Status) -> bool:
    return words in status[1]


def test_what_is_due_is_published_before_the_process_ends(
    watcher: Watcher, tmp_path: Path
) -> None:
    bundle = make_imu_bundle(tmp_path / 'bundle')
    watcher.hear_labels(NAME)
    messages = motion(EPOCH, 6)
    settings = {'model': str(bundle), 'device': 'cpu', 'diagnostics_period': 0.1}
    with (
        # Fast DDS asks for acknowledgements at once when the history is full.
        watcher.publisher(Imu, '/imu/data', QoSProfile(depth=len(messages))) as publisher,
        running(tmp_path, 'imu_classifier', settings) as node,
    ):
        watcher.wait_for_status(
            NAME, lambda s: (s[2].get(health.INPUTS), s[2].get(health.OUTPUTS)) == ('1', '1')
        )
        watcher.wait_for_subscriber(publisher)
        for message in messages:
            publisher.publish(message)
        assert publisher.wait_for_all_acked()
        assert node.end() == 0
        watcher.wait_for(
            lambda: len(watcher.labels) >= 7,
            f'the last labels were lost: {len(watcher.labels)} of 7',
        )
        assert stamps_of(watcher.labels) == [EPOCH + k * SECOND // 2 for k in range(5, 12)]


def test_a_wrong_bundle_is_explained_and_can_be_replaced(watcher: Watcher, tmp_path: Path) -> None:
    good = make_imu_bundle(tmp_path / 'good')
    altered = Path(shutil.copytree(good, tmp_path / 'altered'))
    weights = altered / 'model.safetensors'
    weights.write_bytes(weights.read_bytes()[:-1] + b'\x77')
    camera = make_camera_bundle(tmp_path / 'camera')
    settings = {'model': str(tmp_path / 'missing'), 'diagnostics_period': 0.1}
    with running(tmp_path, 'imu_classifier', settings) as node:
        _, text, _ = watcher.wait_for_status(NAME, is_error)
        assert 'there is no bundle at' in text
        assert 'there is no bundle at' in node.log
        for bundle, words in (
            ('', "the parameter 'model' is not set"),
            (str(altered), 'is not the file this bundle was made with'),
            (str(camera), 'is for camera, this node classifies imu'),
        ):
            # It tries again by itself, and says so itself.
            assert watcher.set_parameter(NAME, 'model', bundle) == (True, '')
            _, text, _ = watcher.wait_for_status(NAME, partial(says, words))
            assert text.startswith('unconfigured: cannot configure')
            assert watcher.state(NAME) == 'unconfigured'
        assert watcher.set_parameter(NAME, 'device', 'cuda:99')[0]
        watcher.set_parameter(NAME, 'model', str(good))
        watcher.wait_for_status(NAME, lambda s: "device 'cuda:99' is not there" in s[1])

        watcher.set_parameter(NAME, 'device', 'cpu')
        watcher.wait_for_status(NAME, is_active)
        assert 'Traceback' not in node.log
        assert node.end() == 0


def test_what_the_user_asks_of_the_subscription_is_done_or_explained(
    watcher: Watcher, tmp_path: Path
) -> None:
    bundle = make_imu_bundle(tmp_path / 'bundle')
    settings = {
        'model': str(bundle),
        'topic': 'not a name',
        'qos_overrides./imu/data.subscription.reliability': 'reliable',
        'qos_overrides./wrist.subscription.reliability': 'unfailing',
    }
    with (
        watcher.publisher(Imu, '/imu/data', BEST_EFFORT),
        running(tmp_path, 'imu_classifier', settings) as node,
    ):
        words = "'not a name' is no name of a topic"
        _, text, _ = watcher.wait_for_status(NAME, partial(says, words))
        assert text.startswith('unconfigured: cannot configure')
        assert watcher.set_parameter(NAME, 'topic', 'wrist')[0]
        _, text, _ = watcher.wait_for_status(NAME, partial(says, "'unfailing' is none of"))
        assert text.startswith('inactive: cannot activate')
        assert not watcher.change(NAME, 'activate')
        assert watcher.set_parameter(NAME, 'topic', 'imu/data')[0]
        status = watcher.wait_for_status(NAME, partial(says, 'quality of service on /imu/data'))
        assert is_error(status)
        assert '/watcher' in status[1]
        assert 'qos_overrides./imu/data.subscription' in status[1]
        assert 'Traceback' not in node.log
        assert node.end() == 0


def test_without_torch_the_node_starts_and_says_what_is_missing(
    watcher: Watcher, tmp_path: Path
) -> None:
    bundle = make_imu_bundle(tmp_path / 'bundle')
    hidden = tmp_path / 'hidden' / 'torch'
    hidden.mkdir(parents=True)
    missing = "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')"
    (hidden / '__init__.py').write_text(missing)
    settings = {'model': str(bundle), 'diagnostics_period': 0.1}
    with running(
        tmp_path, 'imu_classifier', settings, environment={'PYTHONPATH': str(hidden.parent)}
    ) as node:
        _, text, _ = watcher.wait_for_status(NAME, is_error)
        assert "the Python package 'torch' is missing" in text
        assert 'pip install torch' in text
        assert watcher.state(NAME) == 'unconfigured'
        assert node.end() == 0


def test_a_parameter_of_another_type_ends_the_process_with_a_sentence(tmp_path: Path) -> None:
    with running(tmp_path, 'imu_classifier', {'queue_size': 'long'}) as node:
        assert node.wait() == 1
        assert 'queue_size is a integer' in node.log
        assert 'Traceback' not in node.log

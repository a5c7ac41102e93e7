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

"""The player of bags, without anybody who listens: what it refuses, and how it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import threading

import pytest
import rclpy
from rclpy.context import Context
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions

from test.messages import EPOCH
from test.needs import lack
from test.recordings import clips, write_imu_bag
from test.waiting import PATIENCE_S
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BagError, ConfigurationError, XmodalError
from xmodal_ros.nodes.bag_player_node import BagPlayer


@contextmanager
def player(**given: object) -> Iterator[tuple[BagPlayer, threading.Event]]:
    context, done = Context(), threading.Event()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    overrides = [Parameter(name, value=value) for name, value in given.items()]
    try:
        node = BagPlayer(done, context=context, parameter_overrides=overrides)
        try:
            yield node, done
        finally:
            node.destroy_node()
    finally:
        context.try_shutdown()


def test_a_bag_of_types_that_are_not_installed_is_refused(tmp_path: Path) -> None:
    lack('shape_msgs')
    with BagWriter(tmp_path / 'bag') as writer:
        writer.write('/shape', 'shape_msgs/msg/Plane', EPOCH, bytes(40))
    with (
        pytest.raises(ConfigurationError, match=r'nothing in .*bag can be played'),
        player(bag=str(tmp_path / 'bag')),
    ):
        pass


@pytest.mark.parametrize(
    ('error', 'words'),
    [(BagError('damaged at 7'), 'damaged at 7'), (ValueError('odd'), "failed: ValueError.'odd'")],
)
def test_what_ends_the_playing_is_told_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=1))

    def fail(*_: object) -> None:
        raise error

    with player(bag=str(bag), rate=0.0) as (node, done):
        monkeypatch.setattr(BagReader, 'messages', fail)
        node.start()
        # The process has to end, not to hang.
        assert done.wait(PATIENCE_S)
        with pytest.raises(XmodalError, match=words):
            node.stop()


def test_one_that_waits_for_subscribers_ends_when_it_is_told_to(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=1))
    with player(bag=str(bag), wait_for_subscribers=['/imu']) as (node, done):
        node.start()
        assert not done.is_set()
        node.stop()
        assert done.is_set()

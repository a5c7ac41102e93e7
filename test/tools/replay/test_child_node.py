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

"""A node as a child: what it said when it ended is told, and one that is deaf ends, too."""

from pathlib import Path

import pytest

from test.waiting import poll_for
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.tools.replay import child_node
from xmodal_ros.tools.replay.child_node import ChildNode

DEAF = """
import pathlib, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path({file!r}).touch()
signal.pause()
"""


def test_the_last_words_of_a_node_that_ended_are_told() -> None:
    settings = {'queue_size': 'long'}
    with ChildNode('xmodal_ros.nodes.imu_classifier', 'imu_classifier', settings) as child:
        poll_for(lambda: child._process.poll() is not None, 'it runs on')
        words = 'ended with exit code 1; its log ends:\n(.*\n)*.*queue_size is a integer'
        with pytest.raises(ConfigurationError, match=words):
            child.check()


def test_a_node_that_will_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = tmp_path / 'ready'
    (tmp_path / 'deaf_node.py').write_text(DEAF.format(file=str(ready)))
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    monkeypatch.setattr(child_node, '_END_S', 0.1)
    with ChildNode('deaf_node', 'deaf', {}) as child:
        poll_for(ready.exists, 'it was not started')
        child.check()
    assert child._process.returncode == -9

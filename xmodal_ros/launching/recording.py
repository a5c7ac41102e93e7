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

"""What a launch file asks of a recording and of models, in a Python that can read them.

``ros2 launch`` runs in the Python of ROS, which may lack what nodes need; theirs is the first on
the PATH, as their scripts say, for example that of a virtual environment. What it takes to read a
recording is imported where something is to be read, and where it is missing the nodes' Python is
asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
import json
import os
from pathlib import Path
import shutil
import subprocess
import sys
from typing import Any, Final

import xmodal_ros
from xmodal_ros.dependencies import check_dependencies, OF_NODES, unmet
from xmodal_ros.errors import ConfigurationError, XmodalError
from xmodal_ros.launching.plan import Value

_PATIENCE_S: Final = 120.0


@dataclass(frozen=True)
class Question:
    """What is wanted to be known; ``models`` and ``topics`` are by sensor, as users gave them.

    Sensors of ``models`` that are in ``guesses`` may have none in the recording. ``declared``
    asks for the parameters by which the recording's declarations are followed. ``published`` are
    topics that other nodes than selector and classifiers will publish on.
    """

    bag: str
    namespace: str
    models: Mapping[str, str]
    topics: Mapping[str, str]
    guesses: Sequence[str] = ()
    declared: bool = False
    published: Sequence[str] = ()


@dataclass(frozen=True)
class Answer:
    """Each sensor's topic, the parameters that its declaration asks for if that was asked.

    ``recorded`` are full names of those topics that the recording holds, ``played`` those to play
    where that is not all; ``window_s`` is the longest of the windows of models that are no guess,
    0 without one.
    """

    topics: Mapping[str, str]
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recorded: Sequence[str] = ()
    played: Sequence[str] = ()
    window_s: float = 0.0

    @property
    def playing(self) -> dict[str, Value]:
        """What the player is told of it: for whom to wait, and what to play."""
        told = {'wait_for_subscribers': list(self.recorded), 'topics': list(self.played)}
        return {name: topics for name, topics in told.items() if topics}


def look_into(question: Question) -> Answer:
    """Look into the recording; raises :class:`XmodalError` where it or a model cannot be read."""
    python = shutil.which('python3')
    if python is None or not [*unmet(OF_NODES)]:
        return _look(question)
    done = subprocess.run(
        [python, '-m', __name__, json.dumps(asdict(question))],
        env={**os.environ, 'PYTHONPATH': _python_path()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    if done.returncode:
        words = done.stderr.strip().rpartition('\n')[2].removeprefix('error: ')
        raise ConfigurationError(words or f'{python} ended with exit code {done.returncode}')
    return Answer(**json.loads(done.stdout))


def _python_path() -> str:
    """Let the nodes' Python find this package, as it does where a workspace was sourced."""
    own = str(Path(xmodal_ros.__file__).parents[1])
    return os.pathsep.join(filter(None, (os.environ.get('PYTHONPATH', ''), own)))


def _look(question: Question) -> Answer:
    check_dependencies(OF_NODES)
    from xmodal_ros.ros.bag_topic import look

    return Answer(**look(**asdict(question)))


def main() -> None:
    """Answer the question that is the argument, in JSON."""
    try:
        answer = _look(Question(**json.loads(sys.argv[1])))
    except XmodalError as error:
        sys.exit(f'error: {error}')
    sys.stdout.write(json.dumps(asdict(answer)))


if __name__ == '__main__':
    main()

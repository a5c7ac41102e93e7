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

"""Record by ``ros2 bag record``: any type of message, written in C++."""

from collections.abc import Mapping, Sequence
import json
from pathlib import Path
import shutil
import signal
import subprocess
import threading
import time
from typing import Final

from xmodal_ros.bags.sensor_table import sensor_row
from xmodal_ros.errors import ConfigurationError, XmodalError
from xmodal_ros.tools.record.choice import Chosen, sensors_of

_ENDS_WITHIN_S: Final = 60.0
_STEP_S: Final = 0.1


def ros2_bag_command(
    out: Path, topics: Sequence[Chosen], subject: str, metadata: Mapping[str, str]
) -> list[str]:
    """Give the command that records these topics, with what a bag of ours says of itself.

    Raises :class:`ConfigurationError` for metadata that ``ros2 bag`` cannot be given.
    """
    data = dict(metadata)
    if sensors := sensors_of(topics):
        data['sensors'] = json.dumps([sensor_row(sensor) for sensor in sensors])
    if subject:
        data['subject'] = subject
    for key, text in data.items():
        # It splits at every equals sign.
        if '=' in text:
            raise ConfigurationError(f'ros2 bag takes no "=" in {key}: {text!r}; leave it out')
    pairs = [f'{key}={text}' for key, text in sorted(data.items())]
    return [
        *('ros2', 'bag', 'record', '--storage', 'mcap', '--output', str(out)),
        *(('--custom-data', *pairs) if pairs else ()),
        *('--topics', *(each.topic for each in topics)),
    ]


def record_by_ros2_bag(
    out: Path,
    topics: Sequence[Chosen],
    subject: str,
    metadata: Mapping[str, str],
    over: threading.Event,
    duration_s: float | None,
) -> None:
    """Record until told to end; its words go to the terminal.

    Raises :class:`ConfigurationError` where ``ros2`` is not on the PATH, and
    :class:`XmodalError` when it fails.
    """
    if shutil.which('ros2') is None:
        raise ConfigurationError(
            'the command "ros2" is not on the PATH: source the setup file of ROS 2, or leave '
            '--ros2-bag out'
        )
    command = ros2_bag_command(out, topics, subject, metadata)
    out.parent.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    # In a session of its own: it is ended once, by us, also where Ctrl-C goes to a whole group.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        while process.poll() is None and not over.wait(_STEP_S):
            if duration_s is not None and time.monotonic() - begun >= duration_s:
                break
    finally:
        asked = process.poll() is None
        if asked:
            process.send_signal(signal.SIGINT)
        try:
            code = process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
    # Ended by the signal that asked it to is well ended.
    if not out.exists() or (code and not (asked and code in (-signal.SIGINT, 130))):
        raise XmodalError(f'"ros2 bag record" failed with exit code {code}: see its words above')

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

"""A real sound server for tests: PulseAudio with one loudspeaker that one microphone hears.

Everything it writes lies in a folder of the test's own; no other server is met or disturbed.
"""

from collections.abc import Mapping
import os
from pathlib import Path
import socket
import subprocess
import time

import pytest

from test.waiting import PATIENCE_S
from xmodal_standalone import debian


def skip_without_sound() -> None:
    """Skip the test where the sound server, its bridge from ALSA or the voice is missing."""
    if missing := debian.for_sound():
        pytest.skip(
            'a microphone without hardware needs the Debian packages '
            f'{", ".join(missing)}: install them, or run `make test` as root'
        )


class SoundServer:
    """Runs PulseAudio; it may be stopped and started again, like a device that is unplugged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / 'native'
        self._process: subprocess.Popen[bytes] | None = None
        runtime = folder / 'runtime'
        runtime.mkdir(mode=0o700)
        self.environment: Mapping[str, str] = {
            'HOME': str(folder),
            'XDG_RUNTIME_DIR': str(runtime),
            # With an address, clients start no server of their own where there is none.
            'PULSE_SERVER': f'unix:{self._socket}',
        }
        self._script = folder / 'start.pa'
        self._script.write_text(
            f'load-module module-native-protocol-unix socket={self._socket} auth-anonymous=1\n'
            'load-module module-null-sink sink_name=robot rate=16000 channels=1\n'
            'set-default-sink robot\n'
            'set-default-source robot.monitor\n'
        )

    def start(self) -> None:
        with (self._folder / 'pulseaudio.log').open('ab') as log:
            self._process = subprocess.Popen(
                [
                    *('pulseaudio', '--daemonize=no', '--exit-idle-time=-1', '-n'),
                    *('-F', str(self._script)),
                ],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            log_text = (self._folder / 'pulseaudio.log').read_text()
            assert self._process.poll() is None, f'PulseAudio ended: {log_text}'
            assert time.monotonic() < deadline, f'PulseAudio does not answer: {log_text}'
            time.sleep(0.05)

    def stop(self) -> None:
        """Take it away without a word, as when a plug is pulled."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._socket.unlink(missing_ok=True)

    def play(self, *command: str) -> tuple[int, int]:
        """Play a sound to its end; gives the times between which it was heard."""
        begin_ns = time.time_ns()
        subprocess.run(
            command,
            env={**os.environ, **self.environment},
            check=True,
            timeout=PATIENCE_S,
            stderr=subprocess.DEVNULL,
        )
        return begin_ns, time.time_ns()

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self._socket)) == 0

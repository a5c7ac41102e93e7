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

"""A training run as a process of its own, which gets what the rest of the robot leaves over."""

from collections import deque
from collections.abc import Callable, Iterable
import contextlib
from dataclasses import replace
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from typing import Final, IO

from xmodal_ros.configuration.training import as_yaml, TrainingConfiguration
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.training.events import from_line
from xmodal_ros.training.run_status import RunStatus

# A run that is to stop finishes the step it is at; the largest take seconds.
_STOP_TIMEOUT_S: Final = 20.0
_LAST_LINES: Final = 20


class TrainingProcess:
    """Runs ``xmodal train`` with a configuration, and follows its events.

    ``niceness`` is how much it gives way to others, 0 to 19. ``changed`` is called, in a thread
    of this object, whenever :attr:`run_status` is another. Raises :class:`ConfigurationError` when
    the process cannot be started.
    """

    def __init__(
        self, configuration: TrainingConfiguration, niceness: int, changed: Callable[[], None]
    ) -> None:
        self.run_status = RunStatus('training', str(configuration.out))
        self._changed = changed
        self._output: deque[str] = deque(maxlen=_LAST_LINES)
        self._kill_timer: threading.Timer | None = None
        self._cancelled = False
        self._lock = threading.Lock()
        try:
            # A file without a name: however this process ends, none is left behind.
            with tempfile.TemporaryFile() as file:
                settings = as_yaml(configuration.model_dump(mode='json', by_alias=True))
                file.write(settings.encode())
                file.flush()
                self._process = subprocess.Popen(
                    [
                        *(shutil.which('nice') or 'nice', '-n', str(niceness)),
                        *(sys.executable, '-m', 'xmodal_ros.cli.entry', 'train'),
                        *('--config', '/dev/stdin', '--events'),
                    ],
                    stdin=file,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    encoding='utf-8',
                    errors='replace',
                    # Ctrl-C in a terminal is for the one that started it, which then stops this
                    # one.
                    start_new_session=True,
                )
        except OSError as error:
            raise ConfigurationError(f'training cannot be started: {error}') from error
        self._stderr = threading.Thread(target=self._read_stderr, name='stderr', daemon=True)
        self._stderr.start()
        self._thread = threading.Thread(target=self._read_events, name='trainer', daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Ask the process to stop, and end it where it does not; returns at once."""
        if self._cancelled or not self.run_status.running:
            return
        with self._lock:
            self._cancelled = True
            if self.run_status.running:
                self.run_status = replace(self.run_status, state='cancelling')
        self._kill_timer = threading.Timer(_STOP_TIMEOUT_S, self._send, [signal.SIGKILL])
        self._kill_timer.daemon = True
        self._kill_timer.start()
        self._send(signal.SIGTERM)

    def close(self) -> None:
        """Cancel it, and wait until the process has ended."""
        self.cancel()
        self._thread.join()

    def _send(self, number: signal.Signals) -> None:
        # A run may have processes of its own; they share its session.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _read_stderr(self) -> None:
        for line in _lines(self._process.stderr):
            self._output.append(line)

    def _read_events(self) -> None:
        for line in _lines(self._process.stdout):
            try:
                event = from_line(line)
            except ConfigurationError:
                # Something that it uses prints; the last of it may say why it ended.
                self._output.append(line)
                continue
            with self._lock:
                self.run_status = self.run_status.after(event)
            self._changed()
        status = self._process.wait()
        if self._kill_timer is not None:
            self._kill_timer.cancel()
        # Processes that it leaves behind may hold its stderr open.
        self._stderr.join(timeout=1.0)
        if self.run_status.running:
            self.run_status = self._final_status(status)
        self._changed()

    def _final_status(self, status: int) -> RunStatus:
        """Give the status of a run whose process ended without a last event."""
        if self._cancelled:
            return replace(
                self.run_status.without_progress(),
                state='cancelled',
                message='no bundle was written',
            )
        how = f'was killed by signal {-status}' if status < 0 else f'ended with {status}'
        hint = ' (out of memory?)' if status == -signal.SIGKILL else ''
        last = ' '.join(' '.join(self._output).split())
        message = f'the training process {how}{hint}' + (f': {last[-1000:]}' if last else '')
        return replace(self.run_status.without_progress(), state='failed', message=message)


def _lines(stream: IO[str] | None) -> Iterable[str]:
    return stream or ()

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

"""Launch files run for real: as ``ros2 launch`` runs them, and their processes alone."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
import json
import os
from pathlib import Path
from queue import SimpleQueue
import signal
import subprocess
import sys
from tempfile import TemporaryDirectory
import threading
from typing import Any, Protocol

from test.launch.files import console_scripts, FOLDER, planned, ROOT, Started
from test.waiting import PATIENCE_S
from xmodal_ros.errors import XmodalError
from xmodal_ros.launching.plan import ProcessSpec


class Run(Protocol):
    """A launch file that will run."""

    def run(self) -> int:
        """Run until everything has ended; the exit code is 0 unless something failed."""
        ...

    def shutdown(self) -> Any:
        """End everything, from another thread."""
        ...


class Start(Protocol):
    """Makes ready a launch file with arguments, to note in ``said`` what is said as errors."""

    def __call__(
        self, name: str, arguments: Mapping[str, object], said: list[str] | None = None
    ) -> Run: ...


def by_launch(name: str, arguments: Mapping[str, object], said: list[str] | None = None) -> Run:
    """Let ROS's launch packages do it."""
    import launch
    from launch.actions import IncludeLaunchDescription, RegisterEventHandler
    from launch.event_handlers import OnProcessIO
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    heard = [] if said is None else said
    service: Any = launch.LaunchService(noninteractive=True)
    source = PythonLaunchDescriptionSource(str(FOLDER / f'{name}.launch.py'))
    given = [(key, str(value)) for key, value in arguments.items()]
    service.include_launch_description(
        launch.LaunchDescription(
            [
                RegisterEventHandler(
                    OnProcessIO(on_stderr=lambda event: heard.append(event.text.decode()))
                ),
                IncludeLaunchDescription(source, launch_arguments=given),
            ]
        )
    )
    run: Run = service
    return run


class ProcessesAlone:
    """Starts the processes that a launch file plans, and ends them as it says.

    It proves that the nodes do what is wanted with what they are given, not that launch gives it
    to them; and it starts nothing again.
    """

    def __init__(
        self, name: str, arguments: Mapping[str, object], said: list[str] | None = None
    ) -> None:
        self._name = name
        self._arguments = arguments
        self._said = [] if said is None else said
        self._ended: SimpleQueue[tuple[ProcessSpec, int] | None] = SimpleQueue()

    def run(self) -> int:
        try:
            started = planned(self._name, self._arguments)
        except XmodalError as error:
            self._said.append(str(error))
            return 1
        with TemporaryDirectory() as folder:
            return self._run(started, Path(folder))

    def shutdown(self) -> None:
        self._ended.put(None)

    def _run(self, started: Started, folder: Path) -> int:
        processes, threads = [], []
        try:
            for number, spec in enumerate(started.processes):
                process = subprocess.Popen(
                    _command(spec, folder / f'{number}.yaml'),
                    cwd=ROOT,
                    env={**os.environ, **spec.environment},
                    stderr=subprocess.PIPE,
                    text=True,
                )
                processes.append(process)
                threads.append(threading.Thread(target=self._hear, args=(spec, process)))
                threads[-1].start()
            return self._wait(len(processes))
        finally:
            _end(processes)
            for thread in threads:
                thread.join()

    def _hear(self, spec: ProcessSpec, process: 'subprocess.Popen[str]') -> None:
        assert process.stderr is not None
        with process.stderr as lines:
            self._said.extend(lines)
        self._ended.put((spec, process.wait()))

    def _wait(self, count: int) -> int:
        """Wait until one has ended with which everything ends, or all have; 1 for a failure."""
        for _ in range(count):
            ended = self._ended.get()
            if ended is None:
                return 0
            spec, code = ended
            if spec.at_exit and (code or not spec.at_exit.on_failure_only):
                return 1 if code else 0
        return 0


def _command(spec: ProcessSpec, parameters: Path) -> list[str]:
    """The command line of a process, with its parameters written to a file."""
    # JSON is YAML in which strings stay strings.
    parameters.write_text(json.dumps({'/**': {'ros__parameters': dict(spec.parameters)}}))
    files = [*([spec.params_file] if spec.params_file else []), str(parameters)]
    return [
        *(sys.executable, '-m', console_scripts()[spec.executable], '--ros-args'),
        *('--log-level', spec.log_level, '-r', f'__ns:=/{spec.namespace}'),
        *(word for file in files for word in ('--params-file', file)),
    ]


def _end(processes: Sequence['subprocess.Popen[str]']) -> None:
    for process in processes:
        process.send_signal(signal.SIGINT)
    for process in processes:
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def run_until(run: Run, look: Callable[[], None]) -> int:
    """Run, end it once ``look`` has seen what it wants, and give the exit code."""

    def watch() -> None:
        try:
            look()
        finally:
            run.shutdown()

    # Launching belongs to the main thread, so the test looks in another.
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(watch)
        code = int(run.run())
        looking.result()
    return code

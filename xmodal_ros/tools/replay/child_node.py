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

"""A node as a process of its own, in a ROS domain of its own, ended with its block."""

from collections.abc import Mapping
from contextlib import ExitStack
import json
import os
from pathlib import Path
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import Final, Self

import xmodal_ros
from xmodal_ros.child_process import end_with_parent
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.parameter import Value
from xmodal_ros.ros.isolation import isolated, reserved_domain

_NAMESPACE: Final = '/replay'
_END_S: Final = 10.0
_LAST_LINES: Final = 15


class ChildNode:
    """Runs ``python -m module`` with these parameters while the block lasts.

    The node is called ``name``, in a namespace of its own.
    """

    def __init__(self, module: str, name: str, settings: Mapping[str, Value]) -> None:
        self._module = module
        self._name = name
        self._settings = settings
        self._stack = ExitStack()
        self.domain = 0
        self.node_name = f'{_NAMESPACE}/{name}'

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.domain = stack.enter_context(reserved_domain())
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='xmodal-')))
            self._errors = folder / 'stderr'
            # JSON is YAML: whatever a path is called, it stays a string.
            settings = json.dumps(
                {'/**': {'ros__parameters': dict(self._settings)}}, ensure_ascii=False
            )
            (folder / 'parameters.yaml').write_text(settings, encoding='utf-8')
            with self._errors.open('wb') as errors:
                self._process = subprocess.Popen(
                    self._command(folder / 'parameters.yaml'),
                    env=self._environment(folder),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    # A Ctrl-C at the terminal is for the parent, which then ends the child.
                    start_new_session=True,
                    preexec_fn=end_with_parent,
                )
            stack.callback(self._end)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def check(self) -> None:
        """Raise :class:`ConfigurationError` with its last words when the process has ended."""
        code = self._process.poll()
        if code is not None:
            raise ConfigurationError(f'the live node ended with exit code {code}{self.log_tail()}')

    def log_tail(self) -> str:
        """Give the last lines of its log, to be appended to an error; '' where there are none."""
        lines = self._errors.read_text(encoding='utf-8', errors='replace').splitlines()
        return '\n'.join(['; its log ends:', *lines[-_LAST_LINES:]]) if lines else ''

    def _command(self, parameters: Path) -> list[str]:
        renamed = ['-r', f'__ns:={_NAMESPACE}', '-r', f'__node:={self._name}']
        given = ['--params-file', str(parameters)]
        return [sys.executable, '-m', self._module, '--ros-args', *renamed, *given]

    def _environment(self, folder: Path) -> dict[str, str]:
        environment = isolated(os.environ, self.domain)
        environment['ROS_LOG_DIR'] = str(folder / 'log')
        # The child imports the package from where this process has it.
        package_parent = str(Path(xmodal_ros.__file__).parents[1])
        before = environment.get('PYTHONPATH', '')
        environment['PYTHONPATH'] = os.pathsep.join(filter(None, (package_parent, before)))
        return environment

    def _end(self) -> None:
        # Not SIGINT: until a node has handlers of its own, it ignores that where its parent does.
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        finally:
            self._process.wait()

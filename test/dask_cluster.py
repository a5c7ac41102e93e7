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

"""A dask scheduler and its workers, processes of this machine that nobody else can reach."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, ExitStack
from dataclasses import dataclass
import os
from pathlib import Path
import subprocess
import sys

from test.waiting import PATIENCE_S

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class DaskCluster:
    """``address`` is the file that the scheduler writes."""

    address: str
    workers: Sequence[subprocess.Popen[bytes]]


@contextmanager
def dask_cluster(folder: Path, workers: int = 2) -> Iterator[DaskCluster]:
    """Start a cluster that ends with the block; what it says goes to files in ``folder``."""
    file = folder / 'scheduler.json'
    environment = {
        **os.environ,
        'PYTHONPATH': str(ROOT),
        'DASK_CONFIG': str(folder / 'dask'),
        'DASK_TEMPORARY_DIRECTORY': str(folder),
    }
    here = ('--host', '127.0.0.1', '--no-dashboard', '--scheduler-file', str(file))

    with ExitStack() as stack:

        def start(what: str, *options: str) -> subprocess.Popen[bytes]:
            said = stack.enter_context((folder / f'{what}.log').open('ab'))
            command = [sys.executable, '-m', f'distributed.cli.dask_{what}', *here, *options]
            process = subprocess.Popen(
                command, stdout=said, stderr=subprocess.STDOUT, env=environment, cwd=folder
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        start('scheduler', '--port', '0')
        alone = ('--no-nanny', '--nthreads', '1', '--death-timeout', f'{PATIENCE_S:g}')
        yield DaskCluster(str(file), [start('worker', *alone) for _ in range(workers)])

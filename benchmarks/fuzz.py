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

"""Does any message do more than be refused? Millions of mutated ones, to all that reads them.

Each thing that reads bytes from topics (``test/fuzz/decoders.py``) gets its share of messages in
a process of its own. With atheris (``pip install atheris``, CPython 3.11 to 3.13) mutations are
guided by which lines they reach; without, or with ``--engine random``, they are drawn. A message
may neither raise, nor go uncounted where it is refused, nor take more than 50 ms of the CPU or
four times the bytes of its picture in memory, whatever its header claims.

    python benchmarks/fuzz.py [--messages N] [--target NAME]... [--engine E] [--json FILE]

Prints how many were sent to each, the slowest, and what was found; fails where anything was.
What was found lies in ``--findings`` for ``--replay``, which sends one such file again.
"""

import argparse
import importlib
import importlib.util
import json
import os
from pathlib import Path
import subprocess
import sys
import tempfile
import time
from typing import Any, Final

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

# So many of one kind are kept; more tell nothing.
_MOST_KEPT: Final = 5
_TELL_EVERY: Final = 2000
_LONGEST: Final = 1 << 16


class Run:
    """Sends messages to one target and notes what happens; goes on whatever does."""

    def __init__(self, name: str, messages: int, findings: Path, status: Path) -> None:
        from test.fuzz.decoders import Reader, targets

        self.target = targets()[name]
        self._reader = Reader(self.target)
        self._name, self._messages = name, messages
        self._findings, self._status = findings, status
        self._found: dict[str, int] = {}
        self._began = time.monotonic()

    def __call__(self, data: bytes) -> None:
        """Send one message."""
        try:
            self._reader(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            self._note(data, error)
        if self._reader.read % _TELL_EVERY == 0 or self._reader.read == self._messages:
            self.tell()

    def _note(self, data: bytes, error: Exception) -> None:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = '' if trace is None else f'{Path(trace.tb_frame.f_code.co_filename).name}:'
        words = f'{where}{0 if trace is None else trace.tb_lineno} {type(error).__name__}'
        self._found[words] = self._found.get(words, 0) + 1
        if self._found[words] <= _MOST_KEPT:
            self._findings.mkdir(parents=True, exist_ok=True)
            file = self._findings / f'{self._name}-{len(self._found)}-{self._found[words]}'
            file.write_bytes(data)
            sys.stderr.write(f'{file}: {error!r}\n')

    def tell(self) -> None:
        """Write how far it is, whole, for whoever reads it after a crash."""
        content = {
            'target': self._name,
            'messages': self._reader.read,
            'slowest_ms': self._reader.slowest_s * 1e3,
            'seconds': time.monotonic() - self._began,
            'found': self._found,
        }
        partial = self._status.with_suffix('.partial')
        partial.write_text(json.dumps(content))
        partial.replace(self._status)


def send_random(run: Run, messages: int, seed: int) -> None:
    """Send messages as they are drawn."""
    from test.fuzz.decoders import Mutator

    mutate = Mutator(run.target.seeds, seed)
    for _ in range(messages):
        run(mutate())


def send_guided(name: str, messages: int, seed: int, findings: Path, status: Path) -> None:
    """Send messages as atheris chooses; it ends the process."""
    atheris: Any = importlib.import_module('atheris')
    with atheris.instrument_imports(include=['xmodal_ros']):
        run = Run(name, messages, findings, status)
    from test.fuzz.decoders import Mutator

    mutate = Mutator(run.target.seeds, seed)

    def change(data: bytes, most: int, number: int) -> bytes:
        # Bytes by libFuzzer, which knows what has helped; fields and lengths by us.
        return bytes(atheris.Mutate(data, most)) if number % 2 else mutate(data, most)

    with tempfile.TemporaryDirectory() as corpus:
        for index, valid in enumerate(run.target.seeds):
            (Path(corpus) / str(index)).write_bytes(valid)
        findings.mkdir(parents=True, exist_ok=True)
        # It counts what it begins with a little differently.
        options = [f'-runs={messages + 10}', f'-seed={seed + 1}', f'-max_len={_LONGEST}']
        options += [f'-artifact_prefix={findings}/', '-print_final_stats=0', '-verbosity=0']
        atheris.Setup(['fuzz', *options, corpus], run, custom_mutator=change)
        atheris.Fuzz()


def share(name: str, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Let a process send a target's share, and give what it told."""
    status, log = folder / f'{name}.json', folder / f'{name}.log'
    command = [sys.executable, __file__, '--child', name, '--status', str(status)]
    command += ['--messages', str(arguments.each), '--seed', str(arguments.seed)]
    command += ['--engine', arguments.engine, '--findings', str(arguments.findings)]
    # What libraries say of broken pictures is no result.
    environment = {**os.environ, 'OPENCV_LOG_LEVEL': 'SILENT', 'PYTHONHASHSEED': '0'}
    with log.open('wb') as output:
        done = subprocess.run(command, stdout=output, stderr=output, env=environment, check=False)
    told: dict[str, Any] = {'target': name, 'messages': 0, 'found': {}, 'slowest_ms': 0}
    if status.is_file():
        told = json.loads(status.read_text())
    if done.returncode or told['messages'] < arguments.each:
        tail = log.read_text(errors='replace')[-2000:]
        told['found'][f'the process ended with {done.returncode}'] = 1
        sys.stderr.write(f'{name}: {tail}\n')
    return told


def choose_engine(asked: str) -> str:
    """Give the engine that is there."""
    if asked == 'auto':
        return 'atheris' if importlib.util.find_spec('atheris') else 'random'
    return asked


def show(results: list[dict[str, Any]], engine: str) -> None:
    """Print a table of all targets."""
    table = Table('reads', 'messages', 'slowest, ms of CPU', 'found')
    for each in results:
        found = ', '.join(f'{words} ({count})' for words, count in each['found'].items())
        table.add_row(
            each['target'], f'{each["messages"]:,}', f'{each["slowest_ms"]:.1f}', found or '-'
        )
    console = Console()
    console.print(table)
    total = sum(each['messages'] for each in results)
    console.print(f'{total:,} messages by {engine}')


def main() -> int:
    """Run, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--messages', type=int, default=1_000_000, help='of all targets together')
    parser.add_argument('--target', action='append', help='only this one; may be repeated')
    parser.add_argument('--engine', choices=('auto', 'atheris', 'random'), default='auto')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--findings', type=Path, default=Path('fuzz-findings'))
    parser.add_argument('--replay', type=Path, help='a file found, sent to --target again')
    parser.add_argument('--json', type=Path, help='write all figures there')
    parser.add_argument('--child', help=argparse.SUPPRESS)
    parser.add_argument('--status', type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.engine = choose_engine(arguments.engine)
    if arguments.child:
        if arguments.engine == 'atheris':
            send_guided(
                arguments.child,
                arguments.messages,
                arguments.seed,
                arguments.findings,
                arguments.status,
            )
        run = Run(arguments.child, arguments.messages, arguments.findings, arguments.status)
        send_random(run, arguments.messages, arguments.seed)
        return 0

    from test.fuzz.decoders import Reader, targets

    names = arguments.target or list(targets())
    if arguments.replay:
        Reader(targets()[names[0]])(arguments.replay.read_bytes())
        return 0
    arguments.each = max(1, arguments.messages // len(names))
    with tempfile.TemporaryDirectory() as folder:
        results = [share(name, arguments, Path(folder)) for name in names]
    show(results, arguments.engine)
    if arguments.json:
        arguments.json.write_text(json.dumps({'engine': arguments.engine, 'results': results}))
    return int(any(each['found'] for each in results))


if __name__ == '__main__':
    sys.exit(main())

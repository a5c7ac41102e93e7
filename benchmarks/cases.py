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

"""Do inputs that people have come out as they should? Runs a folder of cases and prints a table.

    python benchmarks/cases.py ../shared/cases --demo demo --ffmpeg ffmpeg

Each case is a script that makes a recording, a file or a stream of a kind that somebody reported,
and says in its first lines what should come of it. They are made one after the other, looked at by
the commands that people use, and judged by exit codes, counts, levels and texts; nothing is known
beforehand of how it ends. Live cases need the bundle and the recordings of `make demo`, in DEMO;
one that is wrong is tried again, for a machine may be too busy to keep a sensor's pace. Films need
ffmpeg. What cannot be run is told, and does not count.

The exit code is 1 where one is wrong.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
import contextlib
from dataclasses import asdict, dataclass, field
import io
import json
import os
from pathlib import Path
import shutil
import subprocess
import sys
import tempfile
import textwrap
from typing import Any

_PROCESS = Path(__file__).parent / 'case_process.py'
_LIMIT_S = 600.0


@dataclass(frozen=True)
class Check:
    """One thing that a case asks for, what was seen, and whether that is right."""

    asked: str
    seen: str
    right: bool


@dataclass(frozen=True)
class Ran:
    """How a process or command ended, and what it said."""

    code: int
    text: str
    json: Any = None

    def says(self, *words: str) -> bool:
        """Tell whether all of these words are in it, in whatever case."""
        return all(word.lower() in self.text.lower() for word in words)

    @property
    def line(self) -> str:
        """What it said of an error, or at the end."""
        lines = [line for line in self.text.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith(('error', 'Traceback'))]
        return (errors or lines or ['nothing'])[-1]


class CaseMissingError(Exception):
    """What a case needs is not there."""


@dataclass
class Bench:
    """Makes cases, and runs the command over what they have made, in ``out``."""

    cases: Path
    out: Path
    demo: Path
    ffmpeg: str
    attempts: int = 3
    heard: dict[str, Any] = field(default_factory=dict)

    def make(self, name: str, *arguments: str) -> Ran:
        """Run a case's script."""
        (script,) = self.cases.glob(f'case_{name}*.py')
        told = self.out / 'told.json'
        told.unlink(missing_ok=True)
        environment = {**os.environ, 'CASES_OUT': str(self.out), 'OMP_NUM_THREADS': '1'}
        done = subprocess.run(
            [sys.executable, str(_PROCESS), str(script), str(told), *arguments],
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            env={**environment, 'TMPDIR': str(self.out)},
            cwd=self.demo.parent,
            check=False,
        )
        heard = json.loads(told.read_text(encoding='utf-8')) if told.exists() else None
        return Ran(done.returncode, done.stdout + done.stderr, heard)

    def command(self, *arguments: str | Path, told: bool = True) -> Ran:
        """Run `xmodal` as it is typed, in this process for its imports take seconds."""
        from xmodal_ros.cli.main import main

        path = self.out / 'command.json'
        path.unlink(missing_ok=True)
        given = ['xmodal', *map(str, arguments), *(['--json', str(path)] if told else [])]
        words = io.StringIO()
        before, sys.argv = sys.argv, given
        try:
            with contextlib.redirect_stdout(words), contextlib.redirect_stderr(words):
                code = _exit_code(main)
        finally:
            sys.argv = before
        found = json.loads(path.read_text(encoding='utf-8')) if path.exists() else None
        return Ran(code, words.getvalue(), found)

    def inspect(self, name: str) -> Ran:
        """Look into what a case has made."""
        return self.command('inspect', self.out / name)

    def dataset(self, name: str, *options: str) -> Ran:
        """Ask what training would use of it."""
        return self.command('dataset', self.out / name, '--no-cache', '--jobs', '1', *options)


def _exit_code(run: Callable[[], None]) -> int:
    try:
        run()
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code)
            return 1
        return ended.code or 0
    except Exception as error:  # noqa: BLE001 - that is what a user would see
        print(f'Traceback: {type(error).__name__}: {error}')
        return 70
    return 0


def expected(script: Path) -> str:
    """Give what a case's first lines ask for."""
    text = script.read_text(encoding='utf-8').split('"""')[1]
    return ' '.join(text.partition('Expected')[2].partition(':')[2].split())


Judge = Callable[[Bench], Iterator[Check]]


def run(bench: Bench, judges: Sequence[tuple[str, Judge]]) -> list[dict[str, Any]]:
    """Judge cases one after the other."""
    rows: list[dict[str, Any]] = []
    for name, judge in judges:
        script = next(iter(bench.cases.glob(f'case_{name.split()[0]}*.py')), None)
        if script is None:
            continue
        row: dict[str, Any] = {'case': name, 'asked': expected(script)}
        try:
            row['checks'] = [asdict(check) for check in judge(bench)]
        except CaseMissingError as missing:
            row['missing'] = str(missing)
        except Exception as error:  # noqa: BLE001 - the others are to be judged too
            problem = f'{type(error).__name__}: {error}'
            row['checks'] = [asdict(Check('that it runs', problem, right=False))]
        rows.append(row)
        print(_lines(row), flush=True)
    return rows


def _lines(row: dict[str, Any]) -> str:
    lines = [f'case {row["case"]}: {row["asked"]}']
    if 'missing' in row:
        return '\n'.join([*lines, f'    not run   {row["missing"]}'])
    for check in row['checks']:
        seen = textwrap.shorten(check['seen'], 150, placeholder=' …')
        word = 'right' if check['right'] else 'WRONG'
        lines.append(f'    {word}     {check["asked"]}: {seen}')
    return '\n'.join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('cases', nargs='?', type=Path, default=Path('../shared/cases'))
    parser.add_argument('--demo', type=Path, default=Path('demo'), help='what make demo made')
    parser.add_argument('--ffmpeg', default=shutil.which('ffmpeg') or '', metavar='FILE')
    parser.add_argument('--only', nargs='+', default=[], metavar='NUMBER')
    parser.add_argument('--no-live', action='store_true', help='leave nodes out')
    parser.add_argument('--attempts', type=int, default=3, help='of a live case')
    parser.add_argument('--json', type=Path, metavar='FILE')
    return parser.parse_args()


def main() -> int:
    """Run what is asked for; give the exit code."""
    from benchmarks.cases_live import LIVE
    from benchmarks.cases_offline import OFFLINE

    given = _arguments()
    if not given.cases.is_dir():
        sys.exit(f'error: {given.cases} is no folder of cases')
    os.environ['COLUMNS'] = '10000'
    judges = [*OFFLINE, *([] if given.no_live else LIVE)]
    if given.only:
        judges = [each for each in judges if any(each[0].startswith(n) for n in given.only)]
    with tempfile.TemporaryDirectory(prefix='xmodal-cases-') as out:
        bench = Bench(
            given.cases.resolve(), Path(out), given.demo.resolve(), given.ffmpeg, given.attempts
        )
        rows = run(bench, judges)
    checks = [check for row in rows for check in row.get('checks', ())]
    wrong = [check for check in checks if not check['right']]
    missing = sum('missing' in row for row in rows)
    print(
        f'{len(rows)} cases, {len(checks)} checks: {len(checks) - len(wrong)} right, '
        f'{len(wrong)} wrong; {missing} cases not run'
    )
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + '\n', 'utf-8')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.path.insert(0, str(Path(__file__).parents[1]))
    # Judges know this module by its name, and would raise errors of another one than this.
    from benchmarks.cases import main as main_by_name

    sys.exit(main_by_name())

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

"""What ``xmodal benchmark`` does, apart from its options."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
import json
import os
from pathlib import Path
import subprocess
import sys
import tempfile
from typing import Any, Final

from rich.console import Console
import typer

import xmodal_ros
from xmodal_ros.child_process import end_with_parent
from xmodal_ros.cli.benchmark_page import as_markdown, as_table
from xmodal_ros.cli.progress import Lines, ProgressBars
from xmodal_ros.cli.result import write_result
from xmodal_ros.errors import ConfigurationError, UsageError
from xmodal_ros.files import check_writable, write_atomic

_HARNESS: Final = Path('benchmarks') / 'harness.py'
_FORMAT: Final = 1


@dataclass(frozen=True)
class BenchmarkSettings:
    """What was asked for on the command line."""

    names: tuple[str, ...]
    show: bool
    rounds: int
    json: Path | None
    page: Path | None
    add: tuple[Path, ...]
    folder: Path | None


def run(settings: BenchmarkSettings) -> None:
    """Measure, print and write; exits with 1 where a benchmark fails."""
    check_writable(settings.json, settings.page)
    earlier = [each for path in settings.add for each in read_results(path)]
    console = Console()
    checkout = find_checkout()
    found = _last(_harness(checkout, ('list',)))
    benchmarks = chosen(found['benchmarks'], settings.names)
    if settings.show:
        for each in benchmarks:
            console.print(f'[bold]{each["name"]}[/]  {each["question"]}', highlight=False)
        return
    with tempfile.TemporaryDirectory(prefix='xmodal-benchmark-') as scratch:
        folder = settings.folder or Path(scratch)
        possible, impossible = without_gpu(benchmarks, found['machine'])
        results, failed = _measure_all(checkout, possible, folder.resolve(), settings.rounds)
    results = together([*results, *impossible], earlier)
    document = {'format': _FORMAT, 'machine': found['machine'], 'results': results}
    console.print(as_table(results))
    write_result(settings.json, document)
    if settings.page is not None:
        write_atomic(settings.page, as_markdown(document))
    if failed:
        Console(stderr=True).print(f'failed: {", ".join(failed)}', style='bold red')
        raise typer.Exit(1)


def find_checkout() -> Path:
    """Give the folder that the benchmarks are in: around the package, or where the user stands.

    Raises :class:`ConfigurationError` where neither holds them.
    """
    for folder in (Path(xmodal_ros.__file__).resolve().parents[1], Path.cwd()):
        if (folder / _HARNESS).is_file():
            return folder
    raise ConfigurationError(
        'the benchmarks are not installed with the package: run this in a checkout of its '
        f'source, the folder that holds {_HARNESS}'
    )


def read_results(path: Path) -> list[dict[str, Any]]:
    """Read the figures of an earlier run; raises :class:`ConfigurationError` for other files."""
    try:
        document = json.loads(path.read_text(encoding='utf-8'))
        known = document['format'] == _FORMAT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f'{path} is none of `xmodal benchmark --json`: {error}'
        ) from error
    if not known:
        raise ConfigurationError(f'{path} is of another version: measure again')
    return list(document['results'])


def together(
    results: Sequence[dict[str, Any]], earlier: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Give results with those of earlier runs, the newest of each name, in order of names.

    What was not measured now is as it was.
    """
    newest: dict[str, dict[str, Any]] = {}
    for each in (*earlier, *results):
        if 'unmeasured' not in each or each['name'] not in newest:
            newest[each['name']] = each
    return sorted(newest.values(), key=lambda each: (each['group'], each['name']))


def chosen(
    benchmarks: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Give the benchmarks of these names, or groups of them; all where none is named.

    Raises :class:`ConfigurationError` for a name that nothing has.
    """
    known = {each[key] for each in benchmarks for key in ('name', 'group')}
    for name in names:
        if name not in known:
            raise UsageError(
                f'there is no benchmark {name!r}, only: '
                f'{", ".join(sorted(each["name"] for each in benchmarks))}'
            )
    return [each for each in benchmarks if not names or {each['name'], each['group']} & {*names}]


def without_gpu(
    benchmarks: Sequence[Mapping[str, Any]], machine: Mapping[str, Any]
) -> tuple[list[Mapping[str, Any]], list[dict[str, Any]]]:
    """Give those that this machine can measure, and of the others that they were not measured."""
    idle = [each for each in benchmarks if each.get('needs_gpu') and not machine['gpu']]
    return (
        [each for each in benchmarks if each not in idle],
        [{**each, 'unmeasured': 'no GPU was there'} for each in idle],
    )


def _measure_all(
    checkout: Path, benchmarks: Sequence[Mapping[str, Any]], folder: Path, rounds: int
) -> tuple[list[dict[str, Any]], list[str]]:
    results, failed = [], []
    lines = Lines(stage='{stage} ({total} steps)')
    with ProgressBars(Console(stderr=True), lines) as progress:
        for number, each in enumerate(benchmarks, 1):
            name, steps = each['name'], rounds + 1
            progress.begin(f'{number} of {len(benchmarks)}: {name}', steps)
            arguments = ('measure', name, '--rounds', str(rounds), '--folder', str(folder))
            try:
                for told in _harness(checkout, arguments):
                    if 'step' in told:
                        progress.advance(int(told['step']))
                    elif 'result' in told:
                        results.append(told['result'])
            except ConfigurationError as error:
                failed.append(name)
                progress.note(str(error))
    return results, failed


def _harness(checkout: Path, arguments: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Run the harness in a process of its own and give what it tells.

    Raises :class:`ConfigurationError` with its last words where it fails.
    """
    path = os.pathsep.join(filter(None, (str(checkout), os.environ.get('PYTHONPATH'))))
    with tempfile.TemporaryFile('w+') as words:
        process = subprocess.Popen(
            [sys.executable, '-m', 'benchmarks.harness', *arguments],
            cwd=checkout,
            env=os.environ | {'PYTHONPATH': path},
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
            preexec_fn=end_with_parent,
        )
        try:
            for line in process.stdout or ():
                yield json.loads(line)
            code = process.wait()
        finally:
            process.terminate()
            process.communicate()
        if code:
            words.seek(0)
            last = words.read()[-1500:].strip()
            raise ConfigurationError(f'benchmark {" ".join(arguments[1:2])} failed: {last}')


def _last(told: Iterator[dict[str, Any]]) -> dict[str, Any]:
    return [*told][-1]

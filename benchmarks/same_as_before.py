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

"""Does the code still give the results it gave before, to the last bit?

For changes that must change no result: simulates short recordings, trains a small bundle by each
of several methods, runs a small study and some evaluations, all by the `xmodal` command alone, and
prints the SHA-256 of what each wrote. Compares with the figures of an earlier commit on request.

    python benchmarks/same_as_before.py --out before.json        # before the change
    python benchmarks/same_as_before.py --against before.json    # and after it

Bits are the same only on the same kind of machine with the same versions of torch and NumPy.

What is compared (JSON documents without paths, durations, versions and machines, see DROPPED):

    recordings  every file that `xmodal simulate` wrote, but for the digest of the simulator's own
                source that each of them names, which changes with every comment
    windows     the arrays of the kept windows, for each sensor, in whatever folders
    weights     model.safetensors of a bundle: names of parameters and their bytes
    golden      golden.safetensors of a bundle: a window and what its net answers to it
    bundle      bundle.json
    scores      the JSON of `xmodal train`, `study` or `evaluate`: figures, labels, probabilities

With --work FOLDER everything is kept there, among it the compared documents in `compared`: where
two runs differ, `diff -r before/compared after/compared` shows in what. Exits with 1 where a
figure differs, with 2 where a command fails.
"""

import argparse
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
import hashlib
from importlib.metadata import version
import json
import os
from pathlib import Path
import platform
import re
import shlex
import subprocess
import sys
from tempfile import TemporaryDirectory
import time
from typing import Any, Final

from rich.console import Console
from rich.table import Table

CHECKOUT: Final = Path(__file__).resolve().parents[1]

# All that is left out of the JSON documents, by its path; '*' stands for each item of a list.
# Whatever is not named here is compared, keys that nobody has heard of too.
DROPPED: Final[Mapping[str, Collection[str]]] = {
    'train': {'bundle', 'data.*.path', 'durations_s'},
    'bundle': {'provenance.bags', 'provenance.versions'},
    # The digest of bundle.json, which has paths in it: `bundle` compares the rest of that file.
    'golden': {'__metadata__.bundle_json_sha256'},
    'evaluate': set(),
    'study': {
        'study.recordings',
        'environments',
        'compute_s',
        'results.*.run.version',
        'results.*.environment',
        'results.*.duration_s',
        'results.*.outcome.durations_s',
    },
}

# The metadata of a recording names the simulator that made it.
_SIMULATOR: Final = re.compile(rb'(simulator[^0-9a-f]{1,12})[0-9a-f]{16}')

_SMALL: Final = ('--size', 'small')
_NET: Final = ('--encoder', 'imu=imu_cnn')
_FROM_CAMERA: Final = ('--target', 'imu_wrist', '--source', 'camera', *_NET, *_SMALL, '--method')
# The first ones also fill the cache of windows, each with those of a sensor of its own.
UNIMODAL: Final[Mapping[str, Sequence[str]]] = {
    'microphone': (
        *('--target', 'microphone', '--hop', '1', *_SMALL, '--encoder', 'audio=audio_bcresnet'),
    ),
    'imu': ('--target', 'imu_wrist', *_NET),
    'camera': ('--target', 'camera', *_SMALL),
}
FROM_CAMERA: Final[Mapping[str, Sequence[str]]] = {
    'D-CAT': (*_FROM_CAMERA, 'dcat'),
    'TAP': (*_FROM_CAMERA, 'attention_patch'),
    'co-training': (*_FROM_CAMERA, 'cotraining'),
    'dynamic gating': (*_FROM_CAMERA, 'dynamic_gating'),
    'xmodal': (*_FROM_CAMERA, 'xmodal'),
}
EVALUATIONS: Final[Mapping[str, Sequence[str]]] = {
    'evaluate imu': ('imu',),
    'evaluate imu and camera': ('imu', 'camera'),
    'evaluate faults': ('imu', '--robustness', 'dropout', 'rotation'),
}

STUDY: Final = """\
title: Same as before
recordings: [recordings]
targets: {imu_wrist: [[camera]]}
methods:
  - {row: unimodal, method: unimodal}
  - {row: random forest, statistics: random_forest}
  - {row: distillation, method: distillation}
splits:
  across:
    directions: [{train: [subject_01, subject_02], test: [subject_03, subject_04]}]
  within: {folds: 2}
seeds: [0]
windows: {hop_s: 2}
sensors:
  imu: {epochs: 2, least_steps: 2, width: 8, dim: 16}
  camera: {epochs: 2, least_steps: 2, width: 8, dim: 16, height: 16, image_width: 20}
"""

Figures = dict[str, dict[str, str]]  # of each step the SHA-256 of each kind
Step = tuple[str, Callable[[], dict[str, str]]]


class CommandError(Exception):
    """A command failed; the message says which and ends with its last words."""


def reduced(document: Any, dropped: Collection[str], path: str = '') -> Any:
    """Leave out the paths named in ``dropped``, and nothing else."""
    if isinstance(document, dict):
        return {
            key: reduced(value, dropped, f'{path}{key}.')
            for key, value in document.items()
            if path + key not in dropped
        }
    if isinstance(document, list):
        return [reduced(item, dropped, f'{path}*.') for item in document]
    return document


def digest_of_windows(folder: Path) -> dict[str, str]:
    """Give for each sensor one digest of all arrays, however their folders are called.

    ``folder`` holds a folder RECORDING-SENSOR-KEY for each recording, sensor and way of cutting;
    its entry.json and KEY depend on the code and are not compared.
    """
    entries: dict[str, list[str]] = {}
    for entry in folder.iterdir():
        if not (entry / 'entry.json').exists():
            continue
        parts = entry.name.split('-')
        sensor = '-'.join(parts[1:-1]) or 'all sensors'
        arrays = (file for file in entry.iterdir() if file.name != 'entry.json')
        entries.setdefault(sensor, []).append(digest_of_files(entry, arrays))
    if not entries:
        raise CommandError(f'{folder} holds no windows: were they written elsewhere?')
    return {
        f'windows {sensor}': hashlib.sha256(' '.join(sorted(digests)).encode()).hexdigest()
        for sensor, digests in entries.items()
    }


def digest_of_files(folder: Path, files: Iterable[Path]) -> str:
    """Give a digest of names and bytes, without the digest of the simulator that made them."""
    digest = hashlib.sha256()
    for file in sorted(file for file in files if file.is_file()):
        content = _SIMULATOR.sub(rb'\g<1>' + b'-' * 16, file.read_bytes())
        digest.update(f'{file.relative_to(folder)} {len(content)}\n'.encode() + content)
    return digest.hexdigest()


def digest_of_tensors(file: Path, dropped: Collection[str]) -> str:
    """Give a digest of a safetensors file, its header without ``dropped``."""
    content = file.read_bytes()
    # As the format says: the header's length in 8 bytes, the header, a JSON document, the data.
    begin = 8 + int.from_bytes(content[:8], 'little')
    header = json.dumps(reduced(json.loads(content[8:begin]), dropped), sort_keys=True)
    return hashlib.sha256(f'{header}\n'.encode() + content[begin:]).hexdigest()


def differences(before: Figures, after: Figures) -> list[tuple[str, str, str, str]]:
    """Give step, kind, digest before and after of all that differ; one may be missing."""
    keys = [
        (step, kind) for figures in (before, after) for step in figures for kind in figures[step]
    ]
    rows = [
        (step, kind, before.get(step, {}).get(kind, ''), after.get(step, {}).get(kind, ''))
        for step, kind in dict.fromkeys(keys)
    ]
    return [row for row in rows if row[2] != row[3]]


@dataclass(frozen=True)
class Runs:
    """Runs commands that write into the folder ``work``, and takes digests of what they wrote."""

    command: tuple[str, ...]
    work: Path

    @property
    def recordings(self) -> Path:
        """Where the simulated ones are."""
        return self.work / 'recordings'

    def _call(self, *arguments: object) -> None:
        command = [*self.command, *map(str, arguments)]
        path = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get('PYTHONPATH'))))
        ended = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=os.environ | {'PYTHONPATH': path},
        )
        if ended.returncode:
            words = '\n'.join(ended.stdout.splitlines()[-15:])
            raise CommandError(f'{shlex.join(command)} ended with {ended.returncode}:\n{words}')

    def _digest(self, kind: str, name: str, file: Path) -> str:
        document = reduced(json.loads(file.read_text(encoding='utf-8')), DROPPED[kind])
        text = json.dumps(document, indent=1, sort_keys=True) + '\n'
        compared = self.work / 'compared' / f'{name}-{kind}.json'
        compared.parent.mkdir(exist_ok=True)
        compared.write_text(text, encoding='utf-8')
        return hashlib.sha256(text.encode()).hexdigest()

    def simulate(self) -> dict[str, str]:
        """Write recordings of all sensors."""
        self._call('simulate', self.recordings, '--subjects', 4, '--minutes', 1, '--seed', 0)
        files = self.recordings.rglob('*')
        return {'recordings': digest_of_files(self.recordings, files)}

    def train(self, name: str, options: Sequence[str]) -> dict[str, str]:
        """Write the bundle ``name``."""
        bundle, scores = self.work / 'bundles' / name, self.work / f'{name}.json'
        self._call(
            *('train', self.recordings, '--test-subjects', 'subject_04', *options),
            *('--epochs', 2, '--seed', 0, '--device', 'cpu', '--jobs', 1),
            *('--cache', self.work / 'windows', '--out', bundle, '--json', scores),
        )
        return {
            'weights': digest_of_files(bundle, [bundle / 'model.safetensors']),
            'golden': digest_of_tensors(bundle / 'golden.safetensors', DROPPED['golden']),
            'bundle': self._digest('bundle', name, bundle / 'bundle.json'),
            'scores': self._digest('train', name, scores),
        }

    def windows(self) -> dict[str, str]:
        """Look at the windows that all trainings kept."""
        return digest_of_windows(self.work / 'windows')

    def study(self) -> dict[str, str]:
        """Run STUDY, whose windows are others."""
        file, out, scores = self.work / 'study.yaml', self.work / 'study', self.work / 'study.json'
        file.write_text(STUDY, encoding='utf-8')
        self._call(
            *('study', file, '--recordings', self.recordings, '--out', out, '--json', scores),
            *('--jobs', 1, '--device', 'cpu'),
        )
        return digest_of_windows(out / 'windows') | {
            'scores': self._digest('study', 'study', scores)
        }

    def evaluate(self, name: str, options: Sequence[str]) -> dict[str, str]:
        """Score the bundles that ``options`` begin with."""
        bundles = [option for option in options if option in UNIMODAL]
        scores = self.work / f'{name}.json'
        self._call(
            *('evaluate', *(self.work / 'bundles' / bundle for bundle in bundles)),
            *(self.recordings / 'subject_04', '--json', scores, *options[len(bundles) :]),
        )
        return {'scores': self._digest('evaluate', name, scores)}

    def stages(self) -> list[list[Step]]:
        """Give all steps: those of a stage need nothing of each other, only of stages before."""

        def training(name: str, options: Sequence[str]) -> Step:
            return name, lambda: self.train(name, options)

        def evaluation(name: str, options: Sequence[str]) -> Step:
            return name, lambda: self.evaluate(name, options)

        return [
            [('simulate', self.simulate)],
            [training(*item) for item in UNIMODAL.items()],
            [
                ('study', self.study),
                *(training(*item) for item in FROM_CAMERA.items()),
                *(evaluation(*item) for item in EVALUATIONS.items()),
            ],
            [('windows', self.windows)],
        ]


def measure(runs: Runs, jobs: int, tell: Callable[[str], None]) -> Figures:
    """Run all steps, ``jobs`` of them side by side; a line for each that is done."""

    def timed(step: Step) -> tuple[str, dict[str, str]]:
        began = time.monotonic()
        figures = step[1]()
        tell(f'{step[0]}: {time.monotonic() - began:.0f} s')
        return step[0], figures

    found: Figures = {}
    for stage in runs.stages():
        with ThreadPoolExecutor(jobs) as pool:
            found.update(pool.map(timed, stage))
    return found


def surroundings() -> dict[str, Any]:
    """Say which code ran where."""

    def git(*arguments: str) -> str:
        command = ['git', '-C', str(CHECKOUT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    changed = ' with changes' if git('status', '--porcelain', '-uno') else ''
    lines = Path('/proc/cpuinfo').read_text().splitlines() if sys.platform == 'linux' else []
    model = next((line.split(': ')[1] for line in lines if line.startswith('model name')), '')
    return {
        'commit': git('rev-parse', 'HEAD') + changed,
        'versions': {
            'python': platform.python_version(),
            **{package: version(package) for package in ('torch', 'numpy')},
        },
        'machine': f'{platform.machine()}, {os.cpu_count()} cores, {model}'.rstrip(', '),
    }


def table_of(figures: Figures) -> Table:
    """All figures, the digests shortened."""
    table = Table('step', 'kind', 'SHA-256')
    for step, kinds in figures.items():
        for kind, digest in kinds.items():
            table.add_row(step, kind, digest[:16])
    return table


def compare(before: Mapping[str, Any], now: Mapping[str, Any], console: Console) -> bool:
    """Print what differs; say whether nothing does."""
    for key in ('versions', 'machine'):
        if before[key] != now[key]:
            console.print(f'note: other {key}, which alone may change bits: was {before[key]}')
    found = differences(before['figures'], now['figures'])
    count = sum(map(len, now['figures'].values()))
    if not found:
        console.print(f'all {count} figures are the same as at {before["commit"]}')
        return True
    table = Table('step', 'kind', 'before', 'after', title=f'different from {before["commit"]}')
    for step, kind, old, new in found:
        table.add_row(step, kind, old[:16] or 'missing', new[:16] or 'missing')
    console.print(table)
    return False


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--out', type=Path, metavar='FILE', help='write the figures here, as JSON')
    parser.add_argument(
        '--against', type=Path, metavar='FILE', help='compare with these, written by --out before'
    )
    parser.add_argument(
        '--work',
        type=Path,
        metavar='FOLDER',
        help='a new folder to keep everything in, the bundles too',
    )
    parser.add_argument(
        '--jobs',
        type=int,
        default=2,
        metavar='N',
        help='so many commands side by side (default: 2)',
    )
    parser.add_argument(
        '--command',
        type=shlex.split,
        default=[str(Path(sys.executable).with_name('xmodal'))],
        help='the command (default: xmodal beside this Python); its PYTHONPATH begins with this '
        'checkout',
    )
    chosen = parser.parse_args(arguments)
    if chosen.work and chosen.work.exists() and any(chosen.work.iterdir()):
        parser.error(f'{chosen.work} is not empty, and old results would be taken: name a new one')
    before = json.loads(chosen.against.read_text(encoding='utf-8')) if chosen.against else None
    console = Console()
    with TemporaryDirectory() as scratch:
        work = (chosen.work or Path(scratch)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        try:
            figures = measure(Runs(tuple(chosen.command), work), chosen.jobs, console.print)
        except (CommandError, OSError) as error:
            console.print(f'error: {error}', markup=False)
            return 2
    now = surroundings() | {'figures': figures}
    console.print(table_of(figures))
    if chosen.out:
        chosen.out.write_text(json.dumps(now, indent=2) + '\n', encoding='utf-8')
    return int(before is not None and not compare(before, now, console))


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))

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

"""What every benchmark of two sides has in common: rows by name, rounds in turn, ratios.

A *row* is a question with two sides, ours and plain, which is what one would write without this
package. Both do the same work, one after the other in the same process, several rounds long; the
one that comes first in one round comes last in the next. CPU time and wall time of each round are
kept, and the ratio that counts is the median of those of the rounds: on a machine that does other
things too, absolute figures move, and ratios hardly. A *series* has one side, of which it tells
how the figures grow with something; :class:`Aim` says what some of them should be.

Rows lie in `benchmarks/rows`, a module for what belongs together, and are registered by name:

    @row('inspect', 'How long ...?', aim=0.2, ours='...', plain='...')
    def inspect(folder: Path) -> Iterator[Sides]:
        bag = once(folder / 'bag', write_bag)     # kept for other rows of the same run
        yield Sides(lambda: ..., lambda: ..., unit='message', units=count)

`xmodal benchmark` runs each in a process of its own and writes what they tell as tables:

    python -m benchmarks.harness list
    python -m benchmarks.harness measure NAME [--rounds N] [--folder DIR]

prints one JSON document a line: `{"steps": ...}` and `{"step": ...}` as it goes, `{"result": ...}`
at the end. What rows themselves print goes to stderr.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
import importlib
from importlib.metadata import PackageNotFoundError, version
import json
import math
import os
from pathlib import Path
import pkgutil
import platform
import resource
import statistics
import sys
import tempfile
import time
from typing import Any, Final, Literal

from xmodal_ros.files import Replacement
from xmodal_ros.machine import usable_cores

# A side that takes less is called often enough in each round that this comes together.
LEAST_S: Final = 0.3
_MOST_CALLS: Final = 10_000
_PACKAGES: Final = (
    'xmodal_ros', 'torch', 'numpy', 'scipy', 'opencv-python-headless', 'onnxruntime', 'rosbags',
    'ros-jazzy-rclpy', 'ros-jazzy-rmw-fastrtps-cpp',
)  # fmt: skip

Measure = Literal['cpu', 'wall']
Line = Mapping[str, float | int | str]
Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Cost:
    """What a call cost in seconds: CPU of all threads and finished children, and the clock's."""

    cpu_s: float
    wall_s: float


@dataclass(frozen=True)
class Sides:
    """The two sides of a row, made ready.

    A call of either does the same work, ``units`` times a ``unit``. One that measures itself, in
    a process of its own for example, gives a :class:`Cost`, and is called once a round; whatever
    else is returned is ignored, and the call is measured here. ``note`` tells of the material:
    sizes, counts; a function tells it after the last round. Raises ValueError where there is
    nothing to do.
    """

    ours: Callable[[], object]
    plain: Callable[[], object]
    unit: str = 'run'
    units: int = 1
    note: str | Callable[[], str] = ''

    def __post_init__(self) -> None:
        if self.units < 1:
            raise ValueError(f'no {self.unit} to measure: {self.told}')

    @property
    def told(self) -> str:
        """The note as it is now."""
        return self.note if isinstance(self.note, str) else self.note()


@dataclass(frozen=True)
class Comparison:
    """What each round cost on both sides, in the same unit, and the ratio that is wanted."""

    ours: tuple[float, ...]
    plain: tuple[float, ...]
    target: float

    @property
    def ratios(self) -> tuple[float, ...]:
        """Ours over plain, round by round: what both sides met at nearly the same time."""
        return tuple(ours / plain for ours, plain in zip(self.ours, self.plain, strict=True))

    @property
    def ratio(self) -> float:
        """The median over the rounds."""
        return statistics.median(self.ratios)

    @property
    def met(self) -> bool:
        """Whether the ratio is at most the one wanted."""
        return self.ratio <= self.target

    def as_json(self) -> dict[str, Any]:
        """Give everything as plain values."""
        return {
            'ours': list(self.ours),
            'plain': list(self.plain),
            'ratios': list(self.ratios),
            'ratio': self.ratio,
            'target': self.target,
            'met': self.met,
        }

    def in_words(self) -> str:
        """Give the ratio with its spread over the rounds, and the verdict."""
        spread = f'{self.ratio:.2f} (rounds {min(self.ratios):.2f} to {max(self.ratios):.2f})'
        return f'{spread}, wanted at most {self.target:g}: {"met" if self.met else "MISSED"}'


@dataclass(frozen=True)
class Row:
    """A question with two sides.

    The ratio of ``measure`` should be at most ``aim``; where it cannot, ``limit`` says what the
    limit is and what sets it. ``rounds`` is for rows of which one round takes long. ``group`` is
    the module that it stands in. One that ``needs_gpu`` says nothing where there is none.
    """

    name: str
    question: str
    aim: float
    ours: str
    plain: str
    measure: Measure
    limit: str
    rounds: int | None
    needs_gpu: bool
    group: str
    prepare: Callable[[Path], Iterator[Sides]]


@dataclass(frozen=True)
class Aim:
    """What a column should be at most, or at least, on the lines that hold what ``where`` says.

    Lines without the column are not asked.
    """

    column: str
    at_most: float = float('inf')
    at_least: float = float('-inf')
    where: Mapping[str, float | int | str] = field(default_factory=dict)

    def concerns(self, line: Line) -> bool:
        """Whether a line is asked."""
        return self.column in line and self.where.items() <= line.items()

    def judge(self, line: Line) -> dict[str, Any]:
        """Give the verdict on a line, as plain values."""
        met = self.at_least <= float(line[self.column]) <= self.at_most
        return {'aim': self.in_words(), 'met': met}

    def in_words(self) -> str:
        """Give column and bound."""
        bounds = (('≥', self.at_least), ('≤', self.at_most))
        words = [f'{sign} {bound:g}' for sign, bound in bounds if math.isfinite(bound)]
        return ' '.join([self.column, *words])


@dataclass(frozen=True)
class Series:
    """How figures of one side grow with something: ``lines`` gives the lines of a table.

    ``reading`` says what is to be seen in it: where it bends, and why. Where one of the ``aims``
    is missed, ``limit`` says what the limit is and what sets it.
    """

    name: str
    question: str
    reading: str
    aims: tuple[Aim, ...]
    limit: str
    group: str
    lines: Callable[[Path], Iterator[Line]]


ROWS: Final[dict[str, Row | Series]] = {}


def row(
    name: str,
    question: str,
    *,
    aim: float,
    ours: str,
    plain: str,
    measure: Measure = 'cpu',
    limit: str = '',
    rounds: int | None = None,
    needs_gpu: bool = False,
) -> Callable[[Callable[[Path], Iterator[Sides]]], Callable[[Path], Iterator[Sides]]]:
    """Register a generator that makes ready what it needs, yields the sides, and tidies up."""

    def register(prepare: Callable[[Path], Iterator[Sides]]) -> Callable[[Path], Iterator[Sides]]:
        group = prepare.__module__.rpartition('.')[2]
        sides = (ours, plain, measure, limit, rounds, needs_gpu, group, prepare)
        _add(Row(name, question, aim, *sides))
        return prepare

    return register


def series(
    name: str, question: str, *, reading: str = '', aims: Sequence[Aim] = (), limit: str = ''
) -> Callable[[Callable[[Path], Iterator[Line]]], Callable[[Path], Iterator[Line]]]:
    """Register a generator of the lines of a table: figures by what they are, with their units.

    A line may lack what does not concern it.
    """

    def register(lines: Callable[[Path], Iterator[Line]]) -> Callable[[Path], Iterator[Line]]:
        group = lines.__module__.rpartition('.')[2]
        _add(Series(name, question, reading, tuple(aims), limit, group, lines))
        return lines

    return register


def _add(each: Row | Series) -> None:
    if each.name in ROWS:
        raise ValueError(f'two benchmarks are named {each.name!r}')
    ROWS[each.name] = each


def registered() -> Mapping[str, Row | Series]:
    """Give all rows and series by name."""
    from benchmarks import rows

    for module in pkgutil.iter_modules(rows.__path__):
        importlib.import_module(f'{rows.__name__}.{module.name}')
    return ROWS


def once(path: Path, make: Callable[[Path], object]) -> Path:
    """Have ``make(path)`` write a file or folder, unless it is there from an earlier row."""
    if not path.exists():
        with Replacement(path) as replacement:
            make(replacement.new)
            replacement.commit()
    return path


def cost_of(call: Callable[[], object], calls: int = 1) -> Cost:
    """Call a side so often and give what that cost altogether."""
    begun, begun_cpu = time.perf_counter(), _cpu_s()
    told: list[Cost] = []
    for _ in range(calls):
        found = call()
        if isinstance(found, Cost):
            told.append(found)
    if told:
        return Cost(sum(each.cpu_s for each in told), sum(each.wall_s for each in told))
    return Cost(_cpu_s() - begun_cpu, time.perf_counter() - begun)


def _cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def measure_row(each: Row, folder: Path, rounds: int, tell: Callable[[Answer], None]) -> Answer:
    """Measure a row; gives its result as plain values, costs in ms a unit."""
    rounds = each.rounds or rounds
    tell({'steps': rounds + 1})
    with contextmanager(each.prepare)(folder) as sides:
        calls = _calls(sides)
        tell({'step': 1})
        costs: dict[str, list[Cost]] = {'ours': [], 'plain': []}
        for number in range(rounds):
            both = (('ours', sides.ours), ('plain', sides.plain))
            for side, call in both[:: -1 if number % 2 else 1]:
                costs[side].append(cost_of(call, calls))
            tell({'step': number + 2})
        scale = 1e3 / (calls * sides.units)
        compared = {
            figure: Comparison(
                tuple(getattr(cost, f'{figure}_s') * scale for cost in costs['ours']),
                tuple(getattr(cost, f'{figure}_s') * scale for cost in costs['plain']),
                each.aim,
            ).as_json()
            for figure in ('cpu', 'wall')
        }
        about = {'unit': sides.unit, 'calls': calls, 'units': sides.units, 'note': sides.told}
    return {**about_row(each), **about, **compared, 'peak_bytes': peak_bytes()}


def _calls(sides: Sides) -> int:
    """Call both sides, which loads what is loaded once, and say how often a round needs them."""
    found = sides.ours(), sides.plain()
    if any(isinstance(each, Cost) for each in found):
        # Ready when it says so.
        return 1
    shortest = min(cost_of(sides.ours).wall_s, cost_of(sides.plain).wall_s)
    return max(1, min(_MOST_CALLS, round(LEAST_S / max(shortest, 1e-9))))


def measure_series(each: Series, folder: Path, tell: Callable[[Answer], None]) -> Answer:
    """Measure a series; gives its result as plain values, with the verdicts on each line.

    Raises ValueError where an aim concerns no line.
    """
    lines = []
    for number, line in enumerate(each.lines(folder)):
        lines.append(dict(line))
        tell({'step': number + 1})
    for aim in each.aims:
        if not any(map(aim.concerns, lines)):
            raise ValueError(f'no line of {each.name} is asked for {aim.in_words()}')
    verdicts = [[aim.judge(line) for aim in each.aims if aim.concerns(line)] for line in lines]
    return {
        **about_row(each),
        'lines': lines,
        'verdicts': verdicts,
        'peak_bytes': peak_bytes(),
    }


def about_row(each: Row | Series) -> dict[str, Any]:
    """Give what is known of a row before it is measured."""
    hidden = ('prepare', 'lines', 'rounds', 'aims')
    kind = 'row' if isinstance(each, Row) else 'series'
    return {'kind': kind, **{k: v for k, v in vars(each).items() if k not in hidden}}


def peak_bytes() -> int:
    """The most memory that this process has held at a time."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def machine() -> dict[str, Any]:
    """Say where figures were measured, and with which versions."""
    return {
        'cores': usable_cores(),
        'processor': platform.machine(),
        'model': _processor(),
        'gpu': _gpu(),
        'system': platform.platform(),
        'python': platform.python_version(),
        'versions': {name: found for name in _PACKAGES if (found := _version(name))},
        'load': os.getloadavg()[0],
    }


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        return ''
    return next((line.split(': ')[1] for line in lines if line.startswith('model name')), '')


def _gpu() -> str:
    if not Path('/dev/nvidia0').exists():
        return ''
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else ''


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ''


def main(arguments: Sequence[str]) -> None:
    """List the rows or measure one."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0])
    parser.add_argument('task', choices=('list', 'measure'))
    parser.add_argument('name', nargs='?', default='')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--folder', type=Path, help='for material that several rows need')
    options = parser.parse_args(arguments)
    # Only what is told here is on stdout, whatever rows print.
    told = os.fdopen(os.dup(1), 'w', buffering=1)
    os.dup2(2, 1)
    # As of an installed package: what processes import was compiled before, not at each start.
    os.environ.pop('PYTHONDONTWRITEBYTECODE', None)

    def tell(line: Answer) -> None:
        told.write(json.dumps(line) + '\n')

    found = registered()
    if options.task == 'list':
        tell({'machine': machine(), 'benchmarks': [about_row(each) for each in found.values()]})
        return
    if options.name not in found:
        parser.error(f'no benchmark {options.name!r}; there are {", ".join(found)}')
    each = found[options.name]
    with tempfile.TemporaryDirectory(prefix='xmodal-benchmark-') as scratch:
        folder = options.folder or Path(scratch)
        load = os.getloadavg()[0]
        begun = time.perf_counter()
        if isinstance(each, Row):
            result = measure_row(each, folder, options.rounds, tell)
        else:
            result = measure_series(each, folder, tell)
        took_s = time.perf_counter() - begun
    tell({'result': {**result, 'load': [load, os.getloadavg()[0]], 'took_s': took_s}})


if __name__ == '__main__':
    # Under the name by which rows import it, so that there is one registry.
    from benchmarks.harness import main as run

    run(sys.argv[1:])

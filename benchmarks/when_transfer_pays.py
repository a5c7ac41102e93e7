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

"""Draw when transfer pays, and write README.md's table of it, from the tables of docs/results.md.

    python benchmarks/when_transfer_pays.py

after ``benchmarks/results_page.py``, which writes those.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
import sys

from matplotlib import pyplot as plt

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.study_tables import delta, score, sources, study_tables

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / 'docs' / 'results.md'
_PICTURE = ROOT / 'docs' / 'pictures' / 'when_transfer_pays.png'
# What README.md has between the two is written by this file.
_MARKS = '<!-- benchmarks/when_transfer_pays.py -->', '<!-- as measured -->'
# What a training with a source does without being told how, and else the plainest method.
_ROWS = ('xmodal', 'distillation')
# Studies of how a gain changes with the amount have a picture of their own.
_CURVE = '-curve'
_ACROSS = 'across, '


@dataclass(frozen=True)
class Comparison:
    """One target that learnt from a source by a method, against the same target alone."""

    name: str
    method: str
    people: int
    alone: float
    mean: float
    low: float
    high: float


def comparisons(page: str) -> list[Comparison]:
    """Give those on people not met before, of each name the first, by the recipe if it has it."""
    found: dict[str, Comparison] = {}
    for table in study_tables(page):
        if table.study.endswith(_CURVE) or not table.amount.startswith(_ACROSS):
            continue
        alone = {
            row['target']: score(row['per clip'])
            for row in table.rows
            if row['row'] == '**unimodal**' and row['per clip']
        }
        here: dict[str, list[Comparison]] = {}
        for row in table.rows:
            target, gain = row['target'], delta(row['Δ per clip'])
            if row['row'] not in _ROWS or target not in alone or gain is None or gain.low is None:
                continue
            taught_by = ' and '.join(sources(row['sources']))
            name = f'{target} from {taught_by}, {table.amount.removeprefix(_ACROSS)}'
            assert gain.high is not None
            figures = (alone[target], gain.mean, gain.low, gain.high)
            here.setdefault(name, []).append(Comparison(name, row['row'], table.people, *figures))
        for name, rows in here.items():
            made = min(rows, key=_rank)
            if name not in found or _rank(made) < _rank(found[name]):
                found[name] = made
    return sorted(found.values(), key=lambda each: each.mean)


def _rank(made: Comparison) -> int:
    return _ROWS.index(made.method)


def table(found: Sequence[Comparison]) -> str:
    """Give them as Markdown, the largest gain first."""
    lines = ['| who learns, and from how much | by | tested on | alone | gain (95 % interval) |']
    lines.append('|---|---|---|---|---|')
    lines += (
        f'| {each.name} | {each.method} | {each.people} people | {each.alone:.2f} '
        f'| {each.mean:+.3f} ({each.low:+.3f} to {each.high:+.3f}) |'
        for each in reversed(found)
    )
    return '\n'.join(lines)


def with_table(readme: str, found: Sequence[Comparison]) -> str:
    """Give README.md with the table of ``found`` in its place."""
    before, _, rest = readme.partition(_MARKS[0])
    after = rest.partition(_MARKS[1])[2]
    return f'{before}{_MARKS[0]}\n{table(found)}\n{_MARKS[1]}{after}'


def draw(drawn: Sequence[Comparison]) -> None:
    """Draw the picture."""
    plt.switch_backend('Agg')
    figure, axes = plt.subplots(figsize=(8.4, 0.8 + 0.42 * len(drawn)), layout='constrained')
    axes.axvline(0, color='0.6', linewidth=1)
    for height, each in enumerate(drawn):
        colour = 'tab:green' if each.low > 0 else 'tab:red' if each.high < 0 else '0.35'
        axes.plot([each.low, each.high], [height, height], color=colour, linewidth=2)
        axes.plot(each.mean, height, 'o', color=colour)
    names = [
        f'{each.name}\n{each.method}, {each.people} people, alone {each.alone:.2f}'
        for each in drawn
    ]
    axes.set_yticks(range(len(drawn)), names, fontsize=8)
    figure.supxlabel(
        'what the other sensor adds to macro-F1 per clip on people not met before (95 % interval)',
        fontsize=9,
    )
    axes.spines[['top', 'right', 'left']].set_visible(False)
    figure.savefig(_PICTURE, dpi=110)


def main() -> None:
    """Write both."""
    found = comparisons(RESULTS.read_text(encoding='utf-8'))
    draw(found)
    readme = ROOT / 'README.md'
    readme.write_text(with_table(readme.read_text(encoding='utf-8'), found), encoding='utf-8')


if __name__ == '__main__':
    main()

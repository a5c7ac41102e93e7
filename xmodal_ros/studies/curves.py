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

"""When does it pay: scores over how many people, or how many labels, there are to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass
import io
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xmodal_ros.studies.specification import Labels, Study
from xmodal_ros.studies.summary import Line, Table

_WIDTH: Final = 6.5
_HEIGHT: Final = 4.2


@dataclass(frozen=True)
class Curve:
    """What is on one axis: the amounts, rising, with the lines of each."""

    axis: str
    points: tuple[tuple[float, Table], ...]
    log: bool


def plot_curves(study: Study, tables: Sequence[Table]) -> bytes | None:
    """Draw macro-F1 per clip over people and over labels, a panel a target; gives a PNG.

    Black is the target alone, dashed what is alone without a net, dotted all sensors together, and
    in colours what learnt from sources; bars are 95 % intervals over people. None where a study
    has but one amount of both.
    """
    wanted = [
        (target, sources, curve)
        for curve in find_curves(tables)
        for target, sets in study.targets.items()
        for sources in sets or ((),)
    ]
    if not wanted:
        return None
    figure = Figure(figsize=(_WIDTH * len(wanted), _HEIGHT), layout='constrained')
    panels = figure.subplots(1, len(wanted), squeeze=False)
    for axes, (target, sources, curve) in zip(panels[0], wanted, strict=True):
        _panel(axes, study, target, sources, curve)
    picture = io.BytesIO()
    figure.savefig(picture, format='png', dpi=110)
    return picture.getvalue()


def find_curves(tables: Sequence[Table]) -> list[Curve]:
    """Give the curves that several amounts make: over people and over labels.

    What learns from the others' windows without a label too is not on one curve with what does
    not.
    """
    found = [
        curve(tables, unlabelled)
        for unlabelled in (False, True)
        for curve in (_over_people, _over_labels)
    ]
    return [curve for curve in found if curve is not None]


def _over_people(tables: Sequence[Table], unlabelled: bool) -> Curve | None:
    """Give the curve over people, of whom the others' windows are there without a label or not."""
    across = [t for t in tables if t.people is not None and t.fraction == 1]
    axis = (
        'people who are labelled, the others unlabelled' if unlabelled else 'people to learn from'
    )
    return _curve(axis, [(t.people or 0.0, t) for t in across], unlabelled, log=False)


def _over_labels(tables: Sequence[Table], unlabelled: bool) -> Curve | None:
    """Give the curve over labels, beside which the other windows are there or not."""
    # With as many people as there are; what is said of fewer is the other curve.
    across = [t for t in tables if t.fraction is not None and t.people is not None]
    most = max((t.people or 0 for t in across), default=0)
    points = [(100 * (t.fraction or 0), t) for t in across if t.people == most]
    axis = '% of the labels, the other windows unlabelled' if unlabelled else '% of the labels'
    return _curve(axis, points, unlabelled, log=True)


def _curve(
    axis: str, points: Sequence[tuple[float, Table]], unlabelled: bool, *, log: bool
) -> Curve | None:
    # All labels are the end of both curves: nothing is without one then.
    own = {
        amount: table
        for amount, table in points
        if table.unlabelled == unlabelled or table.labels == Labels().title
    }
    if len(own) < 2:
        return None
    return Curve(axis, tuple(sorted(own.items(), key=lambda point: point[0])), log)


def _panel(axes: Axes, study: Study, target: str, sources: tuple[str, ...], curve: Curve) -> None:
    coloured = grey = 0
    for row in study.methods:
        learns = row.learns_from_sources
        found = [
            (amount, line)
            for amount, table in curve.points
            for line in table.lines
            if line.row == row.row
            and line.target == target
            and line.sources == (sources if learns else ())
            and line.macro_f1 is not None
        ]
        if not found:
            continue
        style: dict[str, Any] = {'color': 'black', 'linewidth': 2.0}
        if row.all_sensors:
            style = {'color': 'black', 'linestyle': ':'}
        elif learns:
            style = {'color': f'C{coloured % 10}'}
            coloured += 1
        elif not row.is_reference:
            style = {'color': 'grey', 'linestyle': ('--', '-.', (0, (5, 5)))[grey % 3]}
            grey += 1
        _draw(axes, row.row, found, style)
    axes.set_xlabel(curve.axis)
    if curve.log:
        axes.set_xscale('log')
    ticks = [amount for amount, _ in curve.points]
    axes.set_xticks(ticks, [f'{amount:g}' for amount in ticks])
    axes.minorticks_off()
    axes.set_ylabel('macro-F1 per clip, people apart')
    learns_from = f' from {" + ".join(sources)}' if sources else ''
    axes.set_title(f'{target}{learns_from}', fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)


def _draw(
    axes: Axes, name: str, found: Sequence[tuple[float, Line]], style: dict[str, Any]
) -> None:
    amounts = [amount for amount, _ in found]
    scores = [line.macro_f1 or 0.0 for _, line in found]
    axes.plot(amounts, scores, marker='o', markersize=3, label=name, **style)
    for amount, line in found:
        if line.interval is not None:
            axes.plot([amount] * 2, line.interval, color=style['color'], linewidth=0.6, alpha=0.5)

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

"""Small plots as SVG that take the page's own colours, light, dark and on paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import escape, Markup
import numpy as np

_WIDTH, _HEIGHT = 380, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 12, 42
_BINS: Final = 40
# Of a bar with its name above it.
_ROW, _BAR = 38, 14
_SYMBOLS: Final = ('circle', 'square', 'diamond', 'triangle')


@dataclass(frozen=True)
class Series:
    """One line of a plot: its points, and what hovering a point says (one text a point).

    Lines of the same ``style`` look the same in all plots.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    notes: tuple[str, ...]
    style: int = 0


@dataclass(frozen=True)
class Axis:
    """What an axis shows, from where to where; ``marks`` are texts at 0, 1, 2 ... instead of
    round values.
    """

    title: str
    low: float
    high: float
    marks: tuple[str, ...] = ()

    def share(self, value: float) -> float:
        """Give where a value lies, 0 at the low end and 1 at the high one."""
        return (value - self.low) / (self.high - self.low)

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Where something is written, and what: three to six round values, or the marks."""
        if self.marks:
            return tuple((float(place), text) for place, text in enumerate(self.marks))
        rough = (self.high - self.low) / 4
        magnitude = 10 ** np.floor(np.log10(rough))
        step = min((1, 2, 2.5, 5, 10), key=lambda m: abs(m * magnitude - rough)) * magnitude
        first = np.ceil(self.low / step - 1e-9)
        last = np.floor(self.high / step + 1e-9)
        # Minus zero is written with its sign; adding zero takes that away.
        values = (float(step * index) + 0.0 for index in np.arange(first, last + 1))
        return tuple((value, f'{value:g}') for value in values)


def line_chart(
    series: Sequence[Series],
    across: Axis,
    up: Axis,
    about: str,
    *,
    diagonal: bool = False,
    named: bool = False,
) -> Markup:
    """Draw lines with marked points; styles differ in colour, dashes and symbols.

    ``about`` says in words what is shown, for those who do not see it; ``named`` lines have their
    names below.
    """
    parts = [_frame(across, up)]
    if diagonal:
        parts.append(
            Markup('<path class="diagonal" d="M{} {}L{} {}"/>').format(
                *_place(across, up, across.low, up.low), *_place(across, up, across.high, up.high)
            )
        )
    for line in series:
        places = [_place(across, up, x, y) for x, y in line.points]
        path = 'L'.join(f'{x:.1f} {y:.1f}' for x, y in places)
        marks = Markup('').join(
            Markup('<path class="mark" d="{}"><title>{}</title></path>').format(
                _symbol(_SYMBOLS[line.style % len(_SYMBOLS)], *place), note
            )
            for place, note in zip(places, line.notes, strict=True)
        )
        parts.append(
            Markup('<g class="series s{}"><path class="line" d="M{}"/>{}</g>').format(
                line.style % 6, path, marks
            )
        )
    chart = _svg(parts, about)
    return chart + _key(series) if named else chart


@dataclass(frozen=True)
class NamedShare:
    """A share, its name, and whether it is the one that counts."""

    name: str
    share: float
    counts: bool


def bar_chart(bars: Sequence[NamedShare], title: str, about: str) -> Markup:
    """Draw shares as bars one below the other, for their names may be long."""
    across, bottom = Axis(title, 0.0, 1.0), _TOP + _ROW * len(bars)
    left, right = _TOP, _WIDTH - 3 * _RIGHT
    parts = []
    for tick, text in across.ticks:
        x = left + across.share(tick) * (right - left)
        parts.append(
            Markup(
                '<path class="grid" d="M{:.1f} {}V{}"/>'
                '<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>'
            ).format(x, _TOP, bottom, x, bottom + 15, text)
        )
    for number, bar in enumerate(bars):
        below = _TOP + _ROW * (number + 1) - 4
        end = left + across.share(bar.share) * (right - left)
        parts.append(
            Markup(
                '<text class="{}" x="{}" y="{}">{}</text>'
                '<path class="{}" d="M{} {}V{}H{:.1f}V{}z"><title>{}: {:.3f}</title></path>'
                '<text class="value" x="{:.1f}" y="{}">{:.3f}</text>'
            ).format(
                'name counts' if bar.counts else 'name',
                left,
                below - _BAR - 4,
                bar.name,
                'bar' if bar.counts else 'bar other',
                *(left, below, below - _BAR, end, below),
                *(bar.name, bar.share),
                *(end + 4, below - 3, bar.share),
            )
        )
    parts.append(
        Markup('<text class="title" x="{}" y="{}" text-anchor="middle">{}</text>').format(
            (left + right) / 2, bottom + 34, title
        )
    )
    return _svg(parts, about, bottom + 40)


def histogram(values: Sequence[float], title: str, about: str, *, unit: str) -> Markup:
    """Draw how often values of each size occur; the longest hundredth ends the axis."""
    data = np.asarray(values, np.float64)
    high = float(np.percentile(data, 99)) * 1.05 or 1.0
    shown = np.minimum(data, high)
    counts, edges = np.histogram(shown, bins=_BINS, range=(0.0, high))
    across, up = Axis(title, 0.0, high), Axis('labels', 0.0, float(counts.max()) * 1.05)
    bar = Markup(
        '<path class="bar" d="M{:.1f} {:.1f}V{:.1f}H{:.1f}V{:.1f}z"><title>{}</title></path>'
    )
    bars = Markup('').join(
        bar.format(left, bottom, top, right, bottom, note)
        for count, low, end in zip(counts, edges[:-1], edges[1:], strict=True)
        if count
        for left, top in [_place(across, up, low, float(count))]
        for right, bottom in [_place(across, up, end, 0.0)]
        for note in [f'{low:.1f} to {end:.1f} {unit}: {count}']
    )
    return _svg([_frame(across, up), bars], about)


def _svg(parts: Sequence[Markup], about: str, height: int = _HEIGHT) -> Markup:
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(_WIDTH, height, about, Markup('').join(parts))


def _place(across: Axis, up: Axis, x: float, y: float) -> tuple[float, float]:
    return (
        _LEFT + across.share(x) * (_WIDTH - _LEFT - _RIGHT),
        _HEIGHT - _BOTTOM - up.share(y) * (_HEIGHT - _TOP - _BOTTOM),
    )


def _frame(across: Axis, up: Axis) -> Markup:
    lines: list[Markup] = []
    for tick, text in across.ticks:
        x, bottom = _place(across, up, tick, up.low)
        lines.append(Markup('<path class="grid" d="M{:.1f} {}V{}"/>').format(x, _TOP, bottom))
        lines.append(
            Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                x, bottom + 15, text
            )
        )
    for tick, text in up.ticks:
        left, y = _place(across, up, across.low, tick)
        lines.append(
            Markup('<path class="grid" d="M{} {:.1f}H{}"/>').format(left, y, _WIDTH - _RIGHT)
        )
        lines.append(
            Markup('<text x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(
                left - 5, y + 4, text
            )
        )
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    lines.append(
        Markup('<text class="title" x="{}" y="{}" text-anchor="middle">{}</text>').format(
            (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6, across.title
        )
    )
    lines.append(
        Markup(
            '<text class="title" transform="translate(12 {}) rotate(-90)" '
            'text-anchor="middle">{}</text>'
        ).format(middle, up.title)
    )
    return Markup('').join(lines)


def _symbol(kind: str, x: float, y: float) -> str:
    if kind == 'circle':
        return f'M{x - 4:.1f} {y:.1f}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0'
    if kind == 'square':
        return f'M{x - 3.5:.1f} {y - 3.5:.1f}h7v7h-7z'
    if kind == 'diamond':
        return f'M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z'
    return f'M{x:.1f} {y - 5:.1f}l5 8.5h-10z'


def _key(series: Sequence[Series]) -> Markup:
    return Markup('<ul class="key">{}</ul>').format(
        Markup('').join(
            Markup(
                '<li class="s{}"><svg viewBox="0 0 34 12" aria-hidden="true">'
                '<path class="line" d="M1 6H33"/><path class="mark" d="{}"/></svg>{}</li>'
            ).format(
                line.style % 6,
                _symbol(_SYMBOLS[line.style % len(_SYMBOLS)], 17, 6),
                escape(line.name),
            )
            for line in series
        )
    )

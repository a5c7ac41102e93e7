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

"""The page's plots: reliability, latency, scores under faults, and what sources were worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from xmodal_ros.evaluation.report_plots import (
    Axis,
    bar_chart,
    histogram,
    line_chart,
    NamedShare,
    Series,
)
from xmodal_ros.evaluation.report_tables import metric_words
from xmodal_ros.evaluation.scoring import Evaluation, latency_summary
from xmodal_ros.evaluation.trial import RobustnessCurve
from xmodal_ros.methods.verdict import way_name
from xmodal_ros.models.configuration_bundle import BundleInfo

_METRIC: Final = 'macro_f1'


@dataclass(frozen=True)
class CaptionedPlot:
    """A plot and what is written below it."""

    plot: Markup
    caption: str


def reliability(evaluation: Evaluation) -> Markup | None:
    """How often decisions of each confidence are right (Guo et al., ICML 2017)."""
    used = [
        (each.confidence, each.accuracy, each.count)
        for each in evaluation.measures.reliability
        if each.confidence is not None and each.accuracy is not None
    ]
    if not used:
        return None
    line = Series(
        evaluation.name,
        tuple((confidence, accuracy) for confidence, accuracy, _ in used),
        tuple(f'confidence {c:.2f}: {a:.0%} of {count} windows right' for c, a, count in used),
    )
    about = '; '.join(line.notes)
    return line_chart(
        [line], Axis('confidence', 0, 1), Axis('share right', 0, 1), about, diagonal=True
    )


def latency(evaluation: Evaluation) -> CaptionedPlot | None:
    """How long after the message that completed its window a live label came."""
    seconds = [s for bag in evaluation.bags if bag.live for s in bag.live.latencies_s]
    if not seconds:
        return None
    summary = latency_summary(evaluation)
    figures = ', '.join(f'{name} {value:.1f} ms' for name, value in summary.items())
    return CaptionedPlot(
        histogram([1e3 * s for s in seconds], 'latency, ms', figures, unit='ms'),
        f'From the message that completes a window to its label: {figures}'
        + (
            '; played at full speed, so labels waited for their turn' if evaluation.hurried else ''
        ),
    )


def verdict(info: BundleInfo) -> CaptionedPlot | None:
    """What the target scored in training without sources and with them, where that was asked."""
    found = info.provenance.get('verdict')
    scores = found.get('macro_f1') if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping) or not isinstance(scores, Mapping):
        return None
    # A bundle may say anything.
    shares = {
        str(name): float(score)
        for name, score in scores.items()
        if isinstance(score, int | float) and 0 <= score <= 1
    }
    if not shares:
        return None
    sources = found.get('sources')
    names = [*map(str, sources)] if isinstance(sources, list | tuple) else []
    taken = way_name(names, str(found.get('decision')))
    bars = [NamedShare(name, share, name == taken) for name, share in shares.items()]
    about = '; '.join(f'{name}: {share:.3f}' for name, share in shares.items())
    unit = str(found.get('unit', 'people'))
    return CaptionedPlot(
        bar_chart(bars, f'macro-F1 per window, mean over {unit}', about),
        f'{found.get("sentence", "")}. Bars are of nets that learnt without those they were '
        'judged by, before others answer beside them; in full colour what was taken.',
    )


def robustness(curves: Sequence[RobustnessCurve]) -> list[CaptionedPlot]:
    """Draw, for each fault, a line for each bundle that suffered it alike.

    A bundle's line looks the same under every fault; with several bundles each plot names its own.
    """
    bundles = tuple(dict.fromkeys(curve.bundle for curve in curves))
    groups: dict[tuple[str, str, tuple[float | None, ...]], list[RobustnessCurve]] = {}
    for curve in curves:
        severities = tuple(point.severity for point in curve.points)
        groups.setdefault((curve.fault, curve.unit, severities), []).append(curve)
    return [
        _robustness(fault, unit, severities, group, bundles)
        for (fault, unit, severities), group in groups.items()
        if severities
    ]


def _robustness(
    fault: str,
    unit: str,
    severities: tuple[float | None, ...],
    curves: Sequence[RobustnessCurve],
    bundles: Sequence[str],
) -> CaptionedPlot:
    # Steps grow by factors, and no harm at all may be no number: each has the same room.
    marks = tuple('none' if severity is None else f'{severity:g}' for severity in severities)
    series = []
    for curve in curves:
        known = [
            (index, value, f'{curve.bundle}, {fault} {marks[index]} {unit}: {value:.3f}')
            for index, point in enumerate(curve.points)
            if (value := point.scalars.get(_METRIC)) is not None
        ]
        points = tuple((float(index), value) for index, value, _ in known)
        notes = tuple(note for _, _, note in known)
        series.append(Series(curve.bundle, points, notes, bundles.index(curve.bundle)))
    title = f'{fault.replace("_", " ")}, {unit}' if unit else fault.replace('_', ' ')
    across = Axis(title, 0.0, float(max(1, len(marks) - 1)), marks)
    up = Axis(metric_words(_METRIC), 0.0, 1.0)
    about = '; '.join(note for line in series for note in line.notes)
    harms = '; '.join(dict.fromkeys(curve.harm for curve in curves))
    return CaptionedPlot(line_chart(series, across, up, about, named=len(bundles) > 1), harms)

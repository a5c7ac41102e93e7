"""One self-contained HTML page that shows an evaluation to a person."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
import io
from pathlib import Path
from typing import Final

from jinja2 import Environment, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.figure import Figure
import numpy as np
from numpy.typing import NDArray

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.evaluation.evaluate import (
    BagEvaluation,
    Evaluation,
    latency_summary,
)
from xmodal_ros.runtime.engine import Prediction
from xmodal_ros.whole_file import write_whole

_SECOND_NS: Final = 1_000_000_000
# A mid grey reads on light and on dark paper alike.
_INK: Final = '#7d8590'


@dataclass(frozen=True)
class _Bar:
    start: float
    width: float
    label: str
    score: float | None

    @property
    def title(self) -> str:
        """What hovering says."""
        confidence = '' if self.score is None else f', score {self.score:.2f}'
        return f'{self.label}{confidence}, {self.start:.1f} to {self.start + self.width:.1f} s'


@dataclass(frozen=True)
class _Timeline:
    bag: BagEvaluation
    seconds: float
    rows: tuple[tuple[str, tuple[_Bar, ...]], ...]
    confidence: str


def write_report(evaluation: Evaluation, path: Path, title: str) -> None:
    """Write the page, whole or not at all.

    Raises :class:`~xmodal_ros.errors.ConfigurationError` when the file cannot be written.
    """
    write_whole(path, render_report(evaluation, title))


def render_report(evaluation: Evaluation, title: str) -> str:
    """Give the page as text."""
    template_text = resources.files(__package__).joinpath('report.html.j2').read_text('utf-8')
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    scores = evaluation.scores
    names = _label_names(evaluation)
    page: str = environment.from_string(template_text).render(
        title=title,
        evaluation=evaluation,
        info=evaluation.info,
        scores=scores,
        agreement=evaluation.agreement,
        latency=latency_summary(evaluation),
        timelines=[_timeline(bag, evaluation.info.window.hop_ns) for bag in evaluation.bags],
        colours={name: _colour(name, index, len(names)) for index, name in enumerate(names)},
        matrices=[
            ('per clip', _matrix(scores.confusion)),
            ('per window', _matrix(scores.confusion_window)),
        ]
        if scores
        else [],
        provenance={key: _plain(value) for key, value in evaluation.info.provenance.items()},
        reliability=_reliability(evaluation),
        latency_plot=_latency_histogram(evaluation),
    )
    return page


def _plain(value: object) -> str:
    """Write what a bundle's document holds without the brackets of its form."""
    if isinstance(value, dict):
        return '; '.join(f'{key}: {_plain(inner)}' for key, inner in value.items() if inner)
    if isinstance(value, list | tuple):
        return ', '.join(_plain(inner) for inner in value)
    return str(value)


def _label_names(evaluation: Evaluation) -> tuple[str, ...]:
    return (*evaluation.info.labels, *evaluation.unknown_labels, UNKNOWN)


def _colour(name: str, index: int, count: int) -> str:
    if name == UNKNOWN:
        return 'hsl(0 0% 60%)'
    # Neighbours in the list differ in lightness too, for readers who see few hues.
    return f'hsl({360 * index / max(1, count - 1):.0f} 62% {(46, 60)[index % 2]}%)'


def _timeline(bag: BagEvaluation, hop_ns: int) -> _Timeline:
    stamps = [p.stamp_ns for p in bag.offline.predictions]
    edges = [*stamps, *(s.start_ns for s in bag.segments), *(s.end_ns for s in bag.segments)]
    origin = min(edges, default=0) - hop_ns
    truth = tuple(
        _Bar(
            (s.start_ns - origin) / _SECOND_NS, (s.end_ns - s.start_ns) / _SECOND_NS, s.label, None
        )
        for s in bag.segments
    )
    rows = [('truth', truth), ('offline', _bars(bag.offline.predictions, origin, hop_ns))]
    if bag.live is not None:
        rows.append(('live', _bars(bag.live.predictions, origin, hop_ns)))
    points = (
        f'{(p.stamp_ns - origin) / _SECOND_NS:.2f},{1 - max(p.probabilities, default=0.0):.3f}'
        for p in bag.offline.predictions
    )
    return _Timeline(
        bag, (max(edges, default=0) - origin) / _SECOND_NS + 0.01, tuple(rows), ' '.join(points)
    )


def _bars(predictions: Sequence[Prediction], origin: int, hop_ns: int) -> tuple[_Bar, ...]:
    """Join decisions that follow each other with the same label; a bar ends at its last stamp."""
    bars: list[_Bar] = []
    group: list[Prediction] = []

    def close() -> None:
        if group:
            start = (group[0].stamp_ns - hop_ns - origin) / _SECOND_NS
            stop = (group[-1].stamp_ns - origin) / _SECOND_NS
            mean = sum(p.scores[0][1] for p in group) / len(group)
            bars.append(_Bar(start, stop - start, group[0].label, mean))
            group.clear()

    for prediction in predictions:
        if group and (
            prediction.label != group[-1].label
            or prediction.stamp_ns - group[-1].stamp_ns != hop_ns
        ):
            close()
        group.append(prediction)
    close()
    return tuple(bars)


def _matrix(counts: NDArray[np.int64]) -> list[list[tuple[int, float]]]:
    """Give each cell's count and its share of the row."""
    totals = np.maximum(1, counts.sum(axis=1, keepdims=True))
    shares = counts / totals
    return [
        [(int(count), float(share)) for count, share in zip(row, row_shares, strict=True)]
        for row, row_shares in zip(counts, shares, strict=True)
    ]


def _reliability(evaluation: Evaluation) -> str:
    """How often decisions of each confidence are right (Guo et al., ICML 2017)."""
    confidences: list[float] = []
    right: list[bool] = []
    for bag in evaluation.bags:
        for index, prediction in enumerate(bag.offline.predictions):
            truth = bag.truth_label(index)
            if truth is not None and prediction.probabilities:
                best = int(np.argmax(prediction.probabilities))
                confidences.append(prediction.probabilities[best])
                right.append(evaluation.info.labels[best] == truth)
    if not confidences:
        return ''
    bins = np.minimum((10 * np.array(confidences)).astype(int), 9)
    used = [b for b in range(10) if (bins == b).any()]
    mean_confidence = [np.array(confidences)[bins == b].mean() for b in used]
    accuracy = [np.array(right)[bins == b].mean() for b in used]

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=_INK, linestyle=':')
        axes.plot(mean_confidence, accuracy, marker='o', color='#3b82d0')
        axes.set(xlabel='confidence', ylabel='share right', xlim=(0, 1), ylim=(0, 1))

    return _plot(draw)


def _latency_histogram(evaluation: Evaluation) -> str:
    latencies = [s for bag in evaluation.bags if bag.live for s in bag.live.latencies_s]
    if not latencies:
        return ''

    def draw(axes: Axes) -> None:
        axes.hist(1e3 * np.array(latencies), bins=40, color='#3b82d0')
        axes.set(xlabel='latency, ms', ylabel='labels')

    return _plot(draw)


def _plot(draw: Callable[[Axes], None]) -> str:
    """Give a small figure as SVG that takes its place in the page."""
    figure = Figure(figsize=(4.2, 3.2), layout='constrained')
    axes = figure.subplots()
    draw(axes)
    for spine in axes.spines.values():
        spine.set_color(_INK)
    axes.tick_params(colors=_INK)
    axes.xaxis.label.set_color(_INK)
    axes.yaxis.label.set_color(_INK)
    text = io.StringIO()
    figure.savefig(text, format='svg', transparent=True, metadata={'Date': None})
    drawing = text.getvalue()
    return drawing[drawing.index('<svg') :]

"""What ``xmodal evaluate`` does, apart from its options."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
import typer

from xmodal_ros.bags.opening import find_recordings
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.cli.result import write_result
from xmodal_ros.evaluation.agreement import compare
from xmodal_ros.evaluation.evaluate import (
    as_json,
    BagEvaluation,
    evaluate,
    evaluate_bag,
    Evaluation,
    latency_summary,
    LiveRun,
)
from xmodal_ros.evaluation.report import write_report
from xmodal_ros.models.bundle import BundleInfo
from xmodal_ros.runtime.engine import Engine, make_deterministic, Prediction
from xmodal_ros.runtime.evaluation import classify_bag, sensor_for
from xmodal_ros.runtime.loading import load_model
from xmodal_ros.sensors import Sensor
from xmodal_ros.whole_file import check_writable


@dataclass(frozen=True)
class EvaluationSettings:
    """The options of ``xmodal evaluate``."""

    bundle: Path
    bags: tuple[Path, ...]
    sensor: str | None = None
    live: bool = False
    rate: float = 0.0
    all_subjects: bool = False
    device: str = 'cpu'
    show_labels: bool = False
    html: Path | None = None
    json: Path | None = None


def run(settings: EvaluationSettings) -> Evaluation:
    """Evaluate, print a summary, write what was asked for.

    Exits with code 1 when a live run did not equal the offline one.
    """
    console = Console(stderr=True)
    check_writable(settings.json, settings.html)
    make_deterministic()
    engine = Engine(load_model(settings.bundle, settings.device))
    engine.warm_up()
    info = engine.bundle.info
    paths = find_recordings(settings.bags)
    if not settings.all_subjects:
        paths = _without_training_subjects(info, paths, console)
    bags: list[BagEvaluation] = []
    with _progress(console) as progress:
        for path in paths:
            with BagReader(path) as reader:
                sensor = sensor_for(engine, reader, settings.sensor)
                count = reader.topics[sensor.topic].count
                task = progress.add_task(f'{escape(reader.name)} offline', total=count)
                offline = classify_bag(engine, reader, sensor, _advance(progress, task))
                progress.update(task, completed=count)
                bag = evaluate_bag(info, reader, sensor.name, offline)
            if settings.live:
                bag = replace(bag, live=_live(settings, path, sensor, bag, progress))
            bags.append(bag)
    evaluation = evaluate(info, bags)
    _print_summary(evaluation, console)
    write_result(settings.json, as_json(evaluation))
    if settings.html is not None:
        write_report(evaluation, settings.html, f'{settings.bundle.name} on {_named(bags)}')
        console.print(f'report: {escape(str(settings.html))}', soft_wrap=True)
    agreement = evaluation.agreement
    if agreement is not None and not agreement.equal:
        raise typer.Exit(1)
    return evaluation


def _without_training_subjects(
    info: BundleInfo, paths: Sequence[Path], console: Console
) -> tuple[Path, ...]:
    seen = set(info.subjects_trained_on)
    subject_of: dict[Path, str] = {}
    for path in paths:
        with BagReader(path) as reader:
            subject_of[path] = reader.subject
    unseen = tuple(path for path in paths if subject_of[path] not in seen)
    if len(unseen) == len(paths):
        return tuple(paths)
    names = escape(', '.join(sorted({subject_of[path] for path in paths} & seen)))
    if not unseen:
        console.print(
            f'[yellow]warning:[/] the model was trained on every subject here ({names}): '
            'these scores say nothing about people it has not met',
            soft_wrap=True,
        )
        return tuple(paths)
    console.print(
        f'left out: recordings of subjects the model was trained on ({names}); '
        'score them too with --all-subjects',
        soft_wrap=True,
    )
    return unseen


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _advance(progress: Progress, task: TaskID) -> Callable[[int], None]:
    return lambda done: progress.update(task, completed=done)


def _live(
    settings: EvaluationSettings,
    path: Path,
    sensor: Sensor,
    bag: BagEvaluation,
    progress: Progress,
) -> LiveRun:
    from xmodal_ros.nodes.replay import replay

    task = progress.add_task(f'{escape(bag.name)} live', total=bag.offline.received)
    result = replay(
        settings.bundle,
        path,
        sensor,
        rate=settings.rate,
        device=settings.device,
        progress=lambda sent, total: progress.update(task, completed=sent, total=total),
        on_label=_LabelPrinter(bag, progress.console) if settings.show_labels else lambda _: None,
    )
    return LiveRun(
        predictions=result.predictions,
        latencies_s=result.latencies_s,
        sent=result.sent,
        received=result.received,
        drops=result.drops,
        agreement=compare(bag.offline.predictions, result.predictions),
        rate=settings.rate,
    )


class _LabelPrinter:
    """Print a line whenever the live label changes, with the truth beside it."""

    def __init__(self, bag: BagEvaluation, console: Console) -> None:
        self._console = console
        self._truth = {
            prediction.stamp_ns: bag.truth_label(index)
            for index, prediction in enumerate(bag.offline.predictions)
        }
        self._first_ns: int | None = None
        self._label = ''

    def __call__(self, prediction: Prediction) -> None:
        if self._first_ns is None:
            self._first_ns = prediction.stamp_ns
        if prediction.label == self._label:
            return
        self._label = prediction.label
        seconds = (prediction.stamp_ns - self._first_ns) / 1e9
        truth = self._truth.get(prediction.stamp_ns)
        colour = 'dim' if truth is None else 'green' if truth == self._label else 'red'
        self._console.print(
            f'[dim]live {seconds:7.1f} s[/]  [{colour}]{escape(self._label):<18}[/] '
            f'{prediction.scores[0][1]:.2f}  [dim]truth: {escape(truth or "unlabelled")}[/]',
            highlight=False,
        )


def _print_summary(evaluation: Evaluation, console: Console) -> None:
    scores, agreement = evaluation.scores, evaluation.agreement
    table = Table(show_header=False, box=None)
    if scores is None:
        why = (
            "no window belongs to a labelled segment: look at the drops below and the windows' "
            'length'
            if any(bag.segments for bag in evaluation.bags)
            else 'no recording is labelled'
        )
        table.add_row('scores', f'[yellow]none: {why}[/]')
    else:
        table.add_row('macro-F1 per clip', f'{scores.macro_f1:.3f}  ({scores.clips} clips)')
        table.add_row(
            'macro-F1 per window', f'{scores.macro_f1_window:.3f}  ({scores.windows} windows)'
        )
        table.add_row('accuracy per clip', f'{scores.accuracy:.3f}')
    if evaluation.unknown_labels:
        names = escape(', '.join(evaluation.unknown_labels))
        table.add_row('not learnt', f'[yellow]{names}[/]')
    for bag in evaluation.bags:
        faults = [f'{count} messages dropped: {why}' for why, count in bag.offline.drops.items()]
        faults += [f'{bag.offline.resets} jumps of time'] if bag.offline.resets else []
        if faults:
            table.add_row(escape(bag.name), f'[yellow]{escape("; ".join(faults))}[/]')
    if agreement is not None:
        verdict = '[green]equal[/]' if agreement.equal else '[red]differ[/]'
        table.add_row(
            'live and offline',
            f'{verdict}: {agreement.compared} stamps compared, {agreement.missing} missing, '
            f'{agreement.extra} extra, {agreement.other_label} other labels, '
            f'scores within {agreement.largest_difference:.2g}',
        )
    if latency := latency_summary(evaluation):
        figures = f'p50 {latency["p50"]:.1f} ms, p95 {latency["p95"]:.1f} ms'
        hurried = ' with the waiting at full speed; --rate 1 tells that of a robot'
        table.add_row('live latency', figures + (hurried if evaluation.hurried else ''))
    console.print(table)


def _named(bags: Sequence[BagEvaluation]) -> str:
    names = ', '.join(bag.name for bag in bags[:3])
    return names if len(bags) <= 3 else f'{names} and {len(bags) - 3} more'

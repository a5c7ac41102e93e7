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

"""One self-contained HTML page that shows an evaluation to a person.

It needs no network and no other file, and stays below 15 MB whatever is evaluated: what is left
beside the decisions and tables is divided over the recordings' pictures, traces and sound.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, StrictUndefined

from xmodal_ros.bags.reading import BagReader, LONGEST_NS
from xmodal_ros.errors import BagError
from xmodal_ros.evaluation.report_clips import worst_clips, WrongClip
from xmodal_ros.evaluation.report_data import (
    decisions_data,
    embed,
    label_names,
    recordings_of,
    ReportRecording,
    shown,
    stride_for,
)
from xmodal_ros.evaluation.report_figures import latency, reliability, robustness, verdict
from xmodal_ros.evaluation.report_model import model_facts
from xmodal_ros.evaluation.report_tables import (
    by_activity,
    cards,
    comparison_rows,
    matrices,
    score_table,
)
from xmodal_ros.evaluation.scoring import Evaluation
from xmodal_ros.evaluation.trial import Trial
from xmodal_ros.files import write_atomic
from xmodal_ros.media.reading import Media, read_media
from xmodal_ros.media.span import Span
from xmodal_ros.web.scripts import one_script, read_page_file

MOST_BYTES: Final = 15_000_000
_DECISION_BYTES: Final = 5_000_000
# The names and numbers around what is embedded.
_SPARE_BYTES: Final = 300_000
_MOST_CLIPS: Final = 60
# Names are escaped, so none of them can look like it.
_MARKER: Final = '<!-- recordings -->'


def write_report(result: Evaluation | Trial, path: Path, title: str) -> None:
    """Write the page, whole or not at all; reads the recordings again for what sensors gave.

    Raises :class:`~xmodal_ros.errors.ConfigurationError` when the file cannot be written.
    """
    write_atomic(path, render_report(result, title))


def render_report(result: Evaluation | Trial, title: str) -> str:
    """Give the page as text. A recording that is gone or damaged is shown without its media."""
    trial = result if isinstance(result, Trial) else Trial((result,))
    found = [(each, each.span(trial.evaluations) or _whole(each)) for each in recordings_of(trial)]
    recordings = [(recording, span) for recording, span in found if span is not None]
    labels = label_names(trial)
    places = {name: index for index, name in enumerate(labels)}
    stride = stride_for([recording for recording, _ in recordings], _DECISION_BYTES)
    wrong = worst_clips(trial.evaluations)
    page = _render(trial, title, recordings, labels, wrong, stride)
    names = [evaluation.name for evaluation in trial.evaluations]
    decisions = [
        decisions_data(recording, span, trial.evaluations, names, places, stride)
        for recording, span in recordings
    ]
    used = len(page.encode()) + sum(len(embed(each).encode()) for each in decisions)
    # Base64 makes four bytes of three.
    budget = max(0, MOST_BYTES - _SPARE_BYTES - used) * 3 // 4
    seconds = sum(span.seconds for _, span in recordings)
    parts = [
        f'<script type="application/json" id="recording-{index}">'
        f'{embed(decided | {"media": _media(recording, span, share).document()})}</script>'
        for index, ((recording, span), decided) in enumerate(
            zip(recordings, decisions, strict=True)
        )
        for share in [int(budget * span.seconds / seconds)]
    ]
    return page.replace(_MARKER, '\n'.join(parts))


def _whole(recording: ReportRecording) -> Span | None:
    """Give all of a recording over which nothing was decided and nothing is labelled."""
    try:
        with BagReader(recording.path) as reader:
            return shown(reader.start_ns, reader.end_ns)
    except BagError:
        return None


def _media(recording: ReportRecording, span: Span, budget: int) -> Media:
    try:
        with BagReader(recording.path) as reader:
            return read_media(reader, span, budget)
    except BagError as error:
        return Media(missing=(f'What the sensors gave cannot be shown: {error}.',))


def _render(
    trial: Trial,
    title: str,
    recordings: Sequence[tuple[ReportRecording, Span]],
    labels: Sequence[str],
    wrong: Sequence[WrongClip],
    stride: int,
) -> str:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    clips = _clips_data(trial, recordings, labels, wrong[:_MOST_CLIPS])
    seconds = sum(span.seconds for _, span in recordings)
    page: str = environment.from_string(read_page_file('report/report.html.j2')).render(
        title=title,
        style=read_page_file('base.css') + read_page_file('report/report.css'),
        script=one_script('report/page.js'),
        recordings_marker=_MARKER,
        recordings=recordings,
        duration=_duration(seconds),
        evaluations=trial.evaluations,
        labels=labels,
        cards=cards(trial),
        warnings=_warnings(trial, recordings),
        stride=stride,
        clips=clips,
        clips_left_out=len(wrong) - len(clips),
        scalars=score_table(trial),
        comparison=trial.comparison
        and {
            'over': trial.comparison.over,
            'units': trial.comparison.units,
            'recordings': trial.comparison.recordings,
            'rows': comparison_rows(trial.comparison),
        },
        robustness=robustness(trial.robustness),
        parts=_parts(trial, labels, clips),
        live=any(bag.live for evaluation in trial.evaluations for bag in evaluation.bags),
        made=[model_facts(evaluation.info) for evaluation in trial.evaluations],
        verdicts=[verdict(evaluation.info) for evaluation in trial.evaluations],
        page_data=embed(
            {
                'labels': labels,
                'evaluations': [evaluation.name for evaluation in trial.evaluations],
                'recordings': [
                    {'name': each.name, 'subject': each.subject, 'seconds': span.seconds}
                    for each, span in recordings
                ],
                'clips': clips,
            }
        ),
    )
    # Names of files need not be text; the page is.
    return page.encode(errors='backslashreplace').decode()


def _clips_data(
    trial: Trial,
    recordings: Sequence[tuple[ReportRecording, Span]],
    labels: Sequence[str],
    wrong: Sequence[WrongClip],
) -> list[dict[str, Any]]:
    places = {recording.path: index for index, (recording, _) in enumerate(recordings)}
    found = []
    for clip in wrong:
        index = places[trial.evaluations[clip.evaluation].bags[clip.bag].path]
        span = recordings[index][1]
        if clip.start_ns >= span.end_ns:
            continue
        found.append(
            {
                'recording': index,
                'evaluation': clip.evaluation,
                'from': span.offset_s(clip.start_ns),
                'to': span.offset_s(min(clip.end_ns, span.end_ns)),
                'truth': labels.index(clip.truth),
                'decided': labels.index(clip.decided),
                'confidence': clip.confidence,
            }
        )
    return found


def _parts(
    trial: Trial, labels: Sequence[str], clips: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Give what is shown of each evaluation by itself; those with nothing to show are left out."""
    places = {name: index for index, name in enumerate(labels)}
    found = []
    for index, evaluation in enumerate(trial.evaluations):
        wrong = {(c['truth'], c['decided']) for c in clips if c['evaluation'] == index}
        timing = latency(evaluation)
        if evaluation.scores is None and timing is None:
            continue
        found.append(
            {
                'index': index,
                'name': evaluation.name,
                'matrices': matrices(evaluation, places, wrong),
                'by_activity': by_activity(evaluation),
                'reliability': reliability(evaluation),
                'latency': timing and timing.plot,
                'latency_caption': timing and timing.caption,
            }
        )
    return found


def _warnings(trial: Trial, recordings: Sequence[tuple[ReportRecording, Span]]) -> list[str]:
    unlearnt = [
        f'{evaluation.name} has not learnt {", ".join(evaluation.unknown_labels)}: clips of these '
        'can only be wrong.'
        for evaluation in trial.evaluations
        if evaluation.unknown_labels
    ]
    left_out = [
        f'{evaluation.name} is not evaluated on {left.bag}: {left.reason}.'
        for evaluation in trial.evaluations
        for left in evaluation.left_out
    ]
    left_out += [
        f'{evaluation.name} was not run live on {left.bag}: {left.reason}.'
        for evaluation in trial.evaluations
        for left in evaluation.live_left_out
    ]
    left_out += [
        f'{curve.bundle} was not put under {curve.fault} on {left.bag}: {left.reason}.'
        for curve in trial.robustness
        for left in curve.left_out
    ]
    cut = [
        f'Of {recording.name} no more than the first {_duration(span.seconds)} are shown, though '
        'all is scored: the clock seems to have jumped.'
        for recording, span in recordings
        if span.end_ns - span.start_ns == LONGEST_NS
        or any(
            bag.offline.predictions[-1].stamp_ns > span.end_ns
            for _, bag in recording.bags
            if bag.offline.predictions
        )
    ]
    return [*unlearnt, *left_out, *cut]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f'{minutes} min {rest} s' if minutes else f'{rest} s'

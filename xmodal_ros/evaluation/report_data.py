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

"""What the page's scripts draw: decisions, truth and media as compact JSON.

Numbers of which there are many are little-endian typed arrays in base64. Every string of the
result is data to the page, put there as text; ``embed`` makes it safe within a script element.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.bags.reading import LONGEST_NS
from xmodal_ros.bags.segment import Segment
from xmodal_ros.evaluation.scoring import BagEvaluation, Evaluation
from xmodal_ros.evaluation.trial import RecordingSelection, Trial
from xmodal_ros.media.span import Span
from xmodal_ros.runtime.engine import Prediction
from xmodal_ros.web.numbers import encoded

# How many of the likeliest activities are told of each window.
_RANKS: Final = 2
_NONE: Final = 0xFFFF
_FULL: Final = 0xFFFF
# Bytes of base64 for one decision, with its rank's labels and scores, stamp and truth.
_BYTES_A_DECISION: Final = 19
_HOP_NS: Final = 500_000_000
# So much of a label is shown after the last decision.
_AFTER_NS: Final = 1_000_000_000


@dataclass
class ReportRecording:
    """One recording, and what each evaluation decided over it: (evaluation's index, its bag)."""

    name: str
    path: Path
    subject: str
    segments: tuple[Segment, ...]
    bags: list[tuple[int, BagEvaluation]] = field(default_factory=list)
    selection: RecordingSelection | None = None

    def span(self, evaluations: Sequence[Evaluation]) -> Span | None:
        """Give the time that truth and decisions cover, None where there are none.

        Truth of which nothing was decided is shown for a second after the last decision: the last
        label lasts to the end of the recording, and that is years away where its clock jumped.
        Where the sensor's stamps jump so too, the time before that is shown.
        """
        starts = [segment.start_ns for segment in self.segments]
        ends = [segment.end_ns for segment in self.segments]
        decided: list[int] = []
        for number, bag in self.bags:
            if bag.offline.predictions:
                length_ns = evaluations[number].info.window.length_ns
                starts.append(bag.offline.predictions[0].stamp_ns - length_ns)
                decided += [each.stamp_ns for each in bag.offline.predictions]
        if not starts:
            return None
        end_ns = max([*ends, *decided])
        if decided:
            end_ns = min(end_ns, _before_jump(decided) + _AFTER_NS)
        # A label may last beyond the recording's end by mistake; a negative span would break all.
        return shown(min(starts), end_ns)


def _before_jump(stamps_ns: Sequence[int]) -> int:
    """Give the last stamp before more than :data:`LONGEST_NS` without any."""
    stamps = np.sort(np.array(stamps_ns, np.int64))
    jumps = np.flatnonzero(np.diff(stamps) > LONGEST_NS)
    return int(stamps[jumps[0] if jumps.size else -1])


def shown(start_ns: int, end_ns: int) -> Span:
    """Give the span of a recording, cut where no page could show it."""
    return Span(start_ns, min(max(end_ns, start_ns + 1), start_ns + LONGEST_NS))


def recordings_of(trial: Trial) -> list[ReportRecording]:
    """Put together what all evaluations and the selector say of the same recording.

    That is the same by path; the selector's go by name, several of one name by order.
    """
    found: dict[Path, ReportRecording] = {}
    for number, evaluation in enumerate(trial.evaluations):
        for bag in evaluation.bags:
            fresh = ReportRecording(bag.name, bag.path, bag.subject, bag.segments)
            found.setdefault(bag.path, fresh).bags.append((number, bag))
    for selection in trial.selections:
        for recording in found.values():
            if recording.name == selection.name and recording.selection is None:
                recording.selection = selection
                break
    return list(found.values())


def label_names(trial: Trial) -> tuple[str, ...]:
    """Give every activity: those learnt, those only in the truth, then ``unknown``."""
    names: dict[str, None] = {}
    for evaluation in trial.evaluations:
        names |= dict.fromkeys(evaluation.info.labels)
    for evaluation in trial.evaluations:
        names |= dict.fromkeys(evaluation.unknown_labels)
    names.pop(UNKNOWN, None)
    return (*names, UNKNOWN)


def stride_for(recordings: Sequence[ReportRecording], budget: int) -> int:
    """Give the step between decisions shown at which all of them fit into ``budget`` bytes."""
    count = sum(
        len(bag.offline.predictions) + (len(bag.live.predictions) if bag.live else 0)
        for recording in recordings
        for _, bag in recording.bags
    ) + sum(len(each.selection.choices) for each in recordings if each.selection)
    return max(1, -(-count * _BYTES_A_DECISION // budget))


def decisions_data(
    recording: ReportRecording,
    span: Span,
    evaluations: Sequence[Evaluation],
    track_names: Sequence[str],
    labels: Mapping[str, int],
    stride: int,
) -> dict[str, Any]:
    """Give truth and decisions of one recording, of the latter every ``stride``-th."""
    tracks = []
    for number, bag in recording.bags:
        hop_s = evaluations[number].info.window.hop_ns / 1e9
        truths = [bag.truth_label(index) for index in range(len(bag.offline.predictions))]
        offline = bag.offline.predictions
        name = track_names[number]
        tracks.append(_track(name, 'sensor', number, hop_s, span, labels, offline, truths, stride))
        if bag.live is not None:
            truth_at = {p.stamp_ns: truth for p, truth in zip(offline, truths, strict=True)}
            live = bag.live.predictions
            theirs = [truth_at.get(prediction.stamp_ns) for prediction in live]
            tracks.append(
                _track(f'{name}, live', 'live', number, hop_s, span, labels, live, theirs, stride)
            )
    if recording.selection and recording.selection.choices:
        tracks.append(_selector(recording.selection, span, labels, stride))
    return {
        'name': recording.name,
        'subject': recording.subject,
        'seconds': span.seconds,
        'truth': [
            [span.offset_s(s.start_ns), span.offset_s(min(s.end_ns, span.end_ns)), labels[s.label]]
            for s in recording.segments
            if s.start_ns < span.end_ns
        ],
        'tracks': tracks,
    }


def _track(
    name: str,
    kind: str,
    number: int,
    hop_s: float,
    span: Span,
    labels: Mapping[str, int],
    predictions: Sequence[Prediction],
    truths: Sequence[str | None],
    stride: int,
) -> dict[str, Any]:
    count = len(predictions[::stride])
    ranks = np.full((_RANKS, count), _NONE, np.uint16)
    scores = np.zeros((_RANKS, count), np.uint16)
    for column, prediction in enumerate(predictions[::stride]):
        for row, (label, chance) in enumerate(prediction.scores[:_RANKS]):
            ranks[row, column] = labels[label]
            scores[row, column] = _share(chance)
    return {
        'name': name,
        'kind': kind,
        'evaluation': number,
        'hop_s': hop_s * stride,
        'ends': _milliseconds([p.stamp_ns for p in predictions[::stride]], span),
        'ranks': encoded(ranks),
        'scores': encoded(scores),
        'truth': encoded(_indices(truths[::stride], labels)),
    }


def _selector(
    selection: RecordingSelection, span: Span, labels: Mapping[str, int], stride: int
) -> dict[str, Any]:
    choices = selection.choices[::stride]
    sources = sorted({choice.source for choice in choices})
    hops = np.diff([choice.stamp_ns for choice in choices])
    hop_ns = float(np.median(hops)) if len(hops) else float(_HOP_NS)
    # One rank only: what else the selector weighed, its sources' own rows show.
    ranks = np.full((_RANKS, len(choices)), _NONE, np.uint16)
    scores = np.zeros((_RANKS, len(choices)), np.uint16)
    ranks[0] = [labels[choice.label] for choice in choices]
    scores[0] = [_share(choice.score) for choice in choices]
    return {
        'name': 'selector',
        'kind': 'selector',
        'evaluation': -1,
        'hop_s': hop_ns / 1e9,
        'ends': _milliseconds([choice.stamp_ns for choice in choices], span),
        'ranks': encoded(ranks),
        'scores': encoded(scores),
        'truth': encoded(_indices([choice.truth for choice in choices], labels)),
        'sources': sources,
        'source': encoded(np.array([sources.index(c.source) for c in choices], np.uint16)),
    }


def _milliseconds(stamps_ns: Sequence[int], span: Span) -> str:
    offsets = np.array(stamps_ns, np.int64) - span.start_ns
    return encoded(np.clip(np.round(offsets / 1e6), 0, 0xFFFFFFFF).astype(np.uint32))


def _indices(names: Sequence[str | None], labels: Mapping[str, int]) -> NDArray[np.uint16]:
    return np.array([_NONE if name is None else labels[name] for name in names], np.uint16)


def _share(chance: float) -> int:
    return round(_FULL * min(1.0, max(0.0, chance))) if chance == chance else 0


def embed(document: object) -> str:
    """Give JSON that cannot end the script element it stands in, whatever names it holds."""
    text = json.dumps(document, ensure_ascii=False, separators=(',', ':'), allow_nan=False)
    # Names of files need not be text; escaped so they are.
    text = text.encode(errors='backslashreplace').decode()
    return text.replace('<', '\\u003c').replace('>', '\\u003e').replace('&', '\\u0026')

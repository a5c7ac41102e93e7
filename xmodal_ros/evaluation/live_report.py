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

"""What an evaluation of a running robot found, for programs and for a person."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
import math
from typing import TYPE_CHECKING

from xmodal_ros.evaluation.live_scoring import Following
from xmodal_ros.runtime.label import Label

if TYPE_CHECKING:
    # torch comes with it; most evaluations of a running robot do without.
    from xmodal_ros.evaluation.offline_twin import Twin

_MOST_DIFFERENCES = 20
# Those that say most, for a line of text.
SHOWN = ('macro_f1_window', 'accuracy_window', 'detection_delay_s', 'unknown_rate')


def summary(following: Following, topics: Sequence[str]) -> dict[str, object]:
    """Give the scalars of every topic so far, and what is known of the truth."""
    return {
        'topics': {
            topic: {
                'labels': following.count(topic),
                'label': newest.decision if (newest := following.newest(topic)) else None,
                'scalars': dict(following.measure(topic).scalars),
            }
            for topic in topics
        },
        'truth': following.truth_now(),
        'segments': len(following.segments),
        'takes': following.takes,
        'refused': dict(following.refused),
    }


def full_report(
    following: Following,
    topics: Sequence[str],
    twins: Mapping[str, 'Twin'],
    problems: Mapping[str, str],
    losses: Mapping[str, Mapping[str, int]],
) -> dict[str, object]:
    """Give everything: scalars, detections, every label beside its truth and its offline twin.

    ``problems`` says by topic why there is no comparison with the offline engine, ``losses`` what
    was lost.
    """
    compared = [twin.agreement for twin in twins.values()]
    result = summary(following, topics)
    of_topics: dict[str, object] = {}
    for topic in topics:
        measures = following.measure(topic)
        of_topics[topic] = {
            'labels': following.count(topic),
            'scalars': dict(measures.scalars),
            'detections': [asdict(each) for each in measures.detections],
            'offline': _agreement(twins[topic]) if topic in twins else None,
            'not_compared': problems.get(topic),
        }
    result |= {
        'topics': of_topics,
        'segments': [asdict(segment) for segment in following.segments],
        'lost': {topic: dict(counts) for topic, counts in losses.items()},
        'labels': [row for topic in topics for row in _rows(following, topic, twins.get(topic))],
    }
    if compared:
        result['equals_offline'] = all(each.equal for each in compared)
        result['stamps_compared'] = sum(each.compared for each in compared)
    return result


def _agreement(twin: 'Twin') -> dict[str, object]:
    agreement = twin.agreement
    largest = agreement.largest_difference
    live = {each.stamp_ns for each in twin.live}
    missing = [each.stamp_ns for each in twin.offline if each.stamp_ns not in live]
    return {
        'equal': agreement.equal,
        **asdict(agreement),
        'largest_difference': largest if math.isfinite(largest) else None,
        'missing_stamps_ns': missing[:_MOST_DIFFERENCES],
    }


def _rows(following: Following, topic: str, twin: 'Twin | None') -> list[dict[str, object]]:
    offline = {each.stamp_ns: each for each in twin.offline} if twin is not None else {}
    rows: list[dict[str, object]] = []
    for labels, decided in following.decided(topic):
        for label, truth in zip(labels, decided.true_labels, strict=True):
            row = _row(topic, label, truth)
            if twin is not None:
                other = offline.get(label.stamp_ns)
                row['offline'] = other.label if other is not None else None
            rows.append(row)
    return rows


def _row(topic: str, label: Label, truth: str | None) -> dict[str, object]:
    return {
        'topic': topic,
        'stamp_ns': label.stamp_ns,
        'label': label.decision,
        'scores': dict(label.scores),
        'truth': truth,
    }


def in_words(topic: str, scalars: Mapping[str, float | None], twin: 'Twin | None') -> str:
    """Say in a line how a topic did."""
    figures = [
        f'{name.replace("_", " ")} {value:.3f}'
        for name in SHOWN
        if (value := scalars.get(name)) is not None
    ]
    line = f'{topic}: {", ".join(figures) or "no truth to score it by"}'
    if twin is None:
        return line
    found = twin.agreement
    verdict = 'equal' if found.equal else 'NOT equal'
    return (
        f'{line}; live and offline are {verdict}: {found.compared} stamps compared, '
        f'{found.missing} missing, {found.extra} extra, {found.other_label} other labels, scores '
        f'within {found.largest_difference:.2g}'
    )

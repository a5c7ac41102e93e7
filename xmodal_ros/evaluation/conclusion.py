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

"""The end of an evaluation of a running robot: compare, write, and say in words how it went."""

from collections.abc import Mapping
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Final, TYPE_CHECKING

from xmodal_ros.activities import in_words as in_words_of_names
from xmodal_ros.errors import ConfigurationError, XmodalError
from xmodal_ros.evaluation.live_report import full_report, in_words
from xmodal_ros.evaluation.live_scoring import Following
from xmodal_ros.files import write_atomic
from xmodal_ros.runtime.health import PENDING, RECEIVED

if TYPE_CHECKING:
    # torch comes with it; only the comparison with a recording needs it.
    from xmodal_ros.evaluation.offline_twin import Twin


_NO_CLASSIFIER: Final = 'only classifiers of this package are'


@dataclass(frozen=True)
class Order:
    """What is wanted: the recording that was played, and files to write; None for nothing."""

    bag: Path | None = None
    report: Path | None = None
    html: Path | None = None


@dataclass(frozen=True)
class Publisher:
    """Who publishes a topic: the newest values of its diagnostics, and what it lost by reason."""

    values: Mapping[str, str]
    losses: Mapping[str, int]


@dataclass(frozen=True)
class Conclusion:
    """What to say: lines of results, warnings, and what failed; '' where nothing did."""

    lines: tuple[str, ...]
    warnings: tuple[str, ...]
    failure: str = ''


def write_live(following: Following, publishers: Mapping[str, Publisher], order: Order) -> str:
    """Write the report of what was heard, before all that takes its time; give what to say.

    '' where nothing is to be compared: what is written at the end is no more. Raises
    :class:`XmodalError` where it cannot be written.
    """
    if order.report is None or order.bag is None:
        return ''
    why = dict.fromkeys(publishers, 'the comparison with the offline run has not ended')
    _write_report(order.report, following, publishers, {}, why)
    return (
        f'report so far: {order.report}; comparing with the recording: told to end once more, '
        'the node ends without'
    )


def conclude(
    following: Following, publishers: Mapping[str, Publisher], order: Order
) -> Conclusion:
    """Score every topic of ``publishers``, compare with the recording, and write what is wanted.

    Where live and offline decisions differ, or a file cannot be written, the conclusion says so.
    """
    topics = tuple(publishers)
    twins, problems = _compare(following, publishers, order)
    lines = [
        in_words(topic, following.measure(topic).scalars, twins.get(topic)) for topic in topics
    ]
    warnings = [
        f'{topic} was not compared with the offline run: {why}'
        for topic, why in problems.items()
        if why != _NO_CLASSIFIER
    ]
    said = following.window_ns
    warnings += [
        f'{topic} was scored wrongly: its windows are {its / 1e9:g} s long, and the truth was '
        f"taken for {said / 1e9:g} s; set 'window' to {its / 1e9:g}"
        for topic, twin in twins.items()
        if (its := twin.info.window.length_ns) != said
    ]
    # Several topics tend to have the same.
    doubtful = dict.fromkeys(
        in_words_of_names(each) for topic in topics for each in following.other_spellings(topic)
    )
    warnings += [
        f'labels that are probably one activity: {each}: correct them, or take them for one by '
        "the parameter 'merge_labels'"
        for each in doubtful
    ]
    try:
        if order.report is not None:
            _write_report(order.report, following, publishers, twins, problems)
            lines.append(f'report: {order.report}')
        if order.html is not None:
            lines.append(_write_page(order.html, twins))
    except XmodalError as error:
        return Conclusion(tuple(lines), tuple(warnings), str(error))
    return Conclusion(tuple(lines), tuple(warnings), _differences(twins, _losses(publishers)))


def _write_report(
    path: Path,
    following: Following,
    publishers: Mapping[str, Publisher],
    twins: 'Mapping[str, Twin]',
    problems: Mapping[str, str],
) -> None:
    result = full_report(following, tuple(publishers), twins, problems, _losses(publishers))
    write_atomic(path, json.dumps(result, indent=2, allow_nan=False) + '\n')


def _losses(publishers: Mapping[str, Publisher]) -> dict[str, Mapping[str, int]]:
    return {topic: each.losses for topic, each in publishers.items() if each.losses}


def _differences(twins: 'Mapping[str, Twin]', losses: Mapping[str, Mapping[str, int]]) -> str:
    unequal = [topic for topic, twin in twins.items() if not twin.agreement.equal]
    if not unequal:
        return ''
    lost = '; '.join(
        f'{topic}: {count} {why}'
        for topic, counts in losses.items()
        for why, count in counts.items()
    )
    return (
        f'live and offline differ on {", ".join(unequal)}; lost on the way: '
        f'{lost or "nothing that a node knows of"}; where stamps are missing, play more slowly'
    )


def _write_page(html: Path, twins: 'Mapping[str, Twin]') -> str:
    if not twins:
        raise ConfigurationError(
            f'{html} was not written: pages are made of a recording and the classifiers that were '
            "evaluated with it: set 'bag' to the one that was played"
        )
    from xmodal_ros.evaluation.report import write_report
    from xmodal_ros.evaluation.scoring import evaluate
    from xmodal_ros.evaluation.trial import Trial

    trial = Trial(
        tuple(evaluate(twin.info, [twin.evaluation], topic) for topic, twin in twins.items())
    )
    write_report(trial, html, f'{next(iter(twins.values())).evaluation.name}, live')
    return f'page: {html}'


def _compare(
    following: Following, publishers: Mapping[str, Publisher], order: Order
) -> 'tuple[dict[str, Twin], dict[str, str]]':
    """Run each classifier's bundle over the recording, where one is named."""
    twins: dict[str, Twin] = {}
    problems: dict[str, str] = {}
    if order.bag is None:
        return twins, problems
    for topic, publisher in publishers.items():
        if PENDING not in publisher.values:
            problems[topic] = _NO_CLASSIFIER
            continue
        labels = [label for each, _ in following.decided(topic) for label in each]
        try:
            from xmodal_ros.evaluation.offline_twin import compare_with_bag

            received = int(publisher.values[RECEIVED])
            twins[topic] = compare_with_bag(
                order.bag,
                publisher.values,
                labels,
                received,
                publisher.losses,
                merge_labels=following.merge_labels,
            )
        except (XmodalError, ImportError) as error:
            problems[topic] = str(error)
    return twins, problems

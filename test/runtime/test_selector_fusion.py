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

"""When the selector fuses, and what of."""

from dataclasses import replace

import pytest

from test.runtime.selector_script import (
    decide,
    EPOCH,
    hops,
    label,
    NOTHING,
    said,
    SECOND,
    SETTINGS,
    SIT,
    sources_at,
    SteadyClock,
    together,
    UNSURE,
    WALK,
)
from xmodal_ros.activities import UNKNOWN
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.runtime.fusion import fuse, Opinion
from xmodal_ros.runtime.label import Scores
from xmodal_ros.runtime.selector import Selector
from xmodal_ros.runtime.selector_settings import SelectorSettings, SourceSettings

FUSING = replace(SETTINGS, mode='fuse')
BOTH = 'camera+imu'


def make(settings: SelectorSettings = FUSING, clock: SteadyClock | None = None) -> Selector:
    return Selector(settings, clock or SteadyClock())


def test_labels_of_one_stamp_are_fused_when_all_have_spoken() -> None:
    selector = make()
    decide(selector, together(said('imu', [0]), said('camera', [0], SIT)))
    assert selector.push('imu', label(0.5, WALK, 'imu_link')) == []
    (decision,) = selector.push('camera', label(0.5, SIT, 'camera_link'))
    expected = fuse([Opinion(dict(WALK), 0.85), Opinion(dict(SIT), 0.75)])
    assert decision.stamp_ns == EPOCH + SECOND // 2
    assert decision.source == BOTH
    assert dict(decision.scores) == pytest.approx(expected)
    assert decision.scores[0][1] == max(expected.values())
    # The frame of the one that is trusted most.
    assert decision.frame_id == 'imu_link'


def test_a_dead_source_holds_back_the_others_for_its_timeout_only() -> None:
    selector = make()
    published = []
    for name, each in together(said('imu', hops(0, 5)), said('camera', hops(0, 10))):
        published += [(decision, each.stamp_ns) for decision in selector.push(name, each)]
    assert [t for t, _ in sources_at(d for d, _ in published)] == hops(0, 10)
    assert max(at_ns - d.stamp_ns for d, at_ns in published) <= 2.5 * SECOND
    alone = [t for t, name in sources_at(d for d, _ in published) if name == 'camera']
    assert alone[-10:] == hops(5, 10)


def test_one_that_returns_joins_when_it_has_lived_a_while() -> None:
    events = together(said('imu', [*hops(0, 5), *hops(10, 20)]), said('camera', hops(0, 20)))
    decisions = decide(make(), events)
    joins = next(t for t, name in sources_at(decisions) if name == BOTH and t > 5)
    assert joins == 13.0
    assert [t for t, _ in sources_at(decisions)] == hops(0, 20)


def test_different_hops_are_fused_while_the_slower_ones_label_stands() -> None:
    events = together(said('imu', hops(0, 8)), said('camera', hops(0, 8, 1.0)))
    decisions = decide(make(), events)
    assert [t for t, _ in sources_at(decisions)] == hops(0, 8)
    assert {name for t, name in sources_at(decisions) if t >= 1} == {BOTH}


@pytest.mark.parametrize('first', ['imu', 'camera'])
def test_a_lost_label_leaves_the_decision_to_the_others(first: str) -> None:
    imu = said('imu', hops(0, 4))
    camera = [each for each in said('camera', hops(0, 4)) if each[1] != label(2.0)]
    decisions = decide(make(), together(*((imu, camera) if first == 'imu' else (camera, imu))))
    assert [t for t, _ in sources_at(decisions)] == hops(0, 4)
    assert dict(sources_at(decisions))[2.0] == 'imu'


@pytest.mark.parametrize(
    ('imu', 'camera', 'decision', 'source'),
    [
        (NOTHING, SIT, 'sit', 'camera'),
        (WALK, NOTHING, 'walk', 'imu'),
        (NOTHING, NOTHING, UNKNOWN, 'imu'),
        (UNSURE, UNSURE, UNKNOWN, BOTH),
        (UNSURE, SIT, 'sit', BOTH),
        (UNSURE, NOTHING, UNKNOWN, 'imu'),
    ],
)
def test_weak_evidence_counts_for_what_it_is(
    imu: Scores, camera: Scores, decision: str, source: str
) -> None:
    weak: Scores = (('unknown', 0.45), ('walk', 0.55), ('sit', 0.45))
    imu = weak if imu == UNSURE else imu
    events = together(said('imu', hops(0, 2), imu), said('camera', hops(0, 2), camera))
    last = decide(make(), events)[-1]
    assert (last.label, last.source) == (decision, source)


def test_below_the_threshold_the_fused_decision_is_unknown() -> None:
    even: Scores = (('walk', 0.5), ('sit', 0.5))
    events = together(said('imu', hops(0, 2), even), said('camera', hops(0, 2), even))
    last = decide(make(replace(FUSING, unknown_threshold=0.6)), events)[-1]
    assert last.scores[0] == (UNKNOWN, 0.5)


def test_labels_from_before_a_silence_are_never_published_after_it() -> None:
    clock = SteadyClock()
    selector = make(clock=clock)
    decide(selector, together(said('imu', hops(0, 2)), said('camera', hops(0, 2))))
    assert decide(selector, said('imu', [2.0, 2.5])) == []
    clock.now_ns = 2 * SECOND
    assert selector.watch(0) is not None
    decisions = decide(selector, said('imu', [8.0, 8.5]))
    assert sources_at(decisions) == [(8.0, 'imu'), (8.5, 'imu')]


def test_fusing_without_knowing_whom_to_trust_is_refused() -> None:
    sources = (SourceSettings('imu', accuracy=0.8), SourceSettings('camera'))
    with pytest.raises(ConfigurationError, match=r'sources\.camera\.weight'):
        SelectorSettings(sources, mode='fuse')

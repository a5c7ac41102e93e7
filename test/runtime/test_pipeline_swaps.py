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

"""Another feed takes over between two labels: nothing missed, nothing said twice."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from test.bundles import make_imu_bundle
from test.messages import EPOCH, imu_bytes, SECOND
from test.waiting import PATIENCE_S
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.runtime.engine import Engine, Prediction
from xmodal_ros.runtime.inference import InferenceThread
from xmodal_ros.runtime.pipeline import Feed, Pipeline, Received
from xmodal_ros.windows.windowing import WindowingSpec

HOP = SECOND // 2


@pytest.fixture(scope='module')
def engines(tmp_path_factory: pytest.TempPathFactory) -> list[Engine]:
    """Two models of the same windows, and one of longer ones."""
    folder = tmp_path_factory.mktemp('models')
    longer = WindowingSpec(length_ns=4 * SECOND, rate_hz=50)
    paths = (
        make_imu_bundle(folder / 'one', seed=0),
        make_imu_bundle(folder / 'two', ['run', 'rest'], seed=1),
        make_imu_bundle(folder / 'longer', ['jump', 'lie'], seed=2, window=longer),
    )
    return [Engine(load_bundle(Path(path))) for path in paths]


@pytest.fixture
def inference() -> Iterator[InferenceThread]:
    thread = InferenceThread()
    yield thread
    thread.close()


def stream(start_s: float, end_s: float, rate_hz: int = 50) -> list[Received]:
    rng = np.random.default_rng(0)
    stamps = range(int(start_s * rate_hz), int(end_s * rate_hz))
    return [
        Received(imu_bytes(EPOCH + k * SECOND // rate_hz, [*rng.normal(0, 5, 3)]), 0)
        for k in stamps
    ]


class Run:
    """A pipeline whose decisions and switches are kept."""

    def __init__(self, engine: Engine, inference: InferenceThread) -> None:
        self.published: list[Prediction] = []
        self.switches = 0
        self.first = Feed(engine, IMU_TYPE)
        self.pipeline = Pipeline(
            self.first, inference, 1000, self.published.append, print, self._switched
        )

    def _switched(self) -> None:
        self.switches += 1

    def push(self, feed: Feed, messages: Sequence[Received]) -> None:
        self.pipeline.push(feed, lambda: messages)

    def stamps(self) -> list[float]:
        assert self.pipeline.finish(PATIENCE_S)
        return [(p.stamp_ns - EPOCH) / SECOND for p in self.published]

    def labels(self) -> list[set[str]]:
        return [{name for name, _ in p.scores} for p in self.published]


def test_a_model_of_the_same_windows_decides_from_the_next_one_on(
    engines: list[Engine], inference: InferenceThread
) -> None:
    run = Run(engines[0], inference)
    run.push(run.first, stream(0, 5))
    run.stamps()
    assert run.first.fits(engines[1])
    run.first.engine = engines[1]
    run.push(run.first, stream(5, 8))
    assert run.stamps() == [2.5 + k / 2 for k in range(11)]
    assert run.labels() == 5 * [{'sit', 'walk', 'wave'}] + 6 * [{'run', 'rest'}]


def test_the_feed_aside_takes_over_with_its_first_full_window(
    engines: list[Engine], inference: InferenceThread
) -> None:
    run = Run(engines[0], inference)
    run.push(run.first, stream(0, 4))
    aside = Feed(engines[2], IMU_TYPE)
    assert not run.first.fits(engines[2])
    run.pipeline.prepare(aside)
    for k in range(4, 12):
        # The one that decides always hears a little more than the one aside.
        run.push(run.first, stream(k, k + 1))
        run.push(aside, stream(k, k + 1))
    stamps = run.stamps()
    assert stamps == [2.5 + k / 2 for k in range(len(stamps))]
    assert stamps[-1] == 11.5
    assert run.switches == 1
    assert run.pipeline.feed is aside
    # Its first window ends at 8.5; of that stamp, and of more, the other had spoken already.
    assert [{'jump', 'lie'} == names for names in run.labels()].index(True) == stamps.index(9.0)
    counters = run.pipeline.counters()
    assert counters.received == 50 * (9 + 8)


def test_what_waits_for_the_old_feed_is_decided_on_before_the_new_one_takes_over(
    engines: list[Engine], inference: InferenceThread
) -> None:
    """Each topic is taken in turns of its own: the new one may be ahead of the old one."""
    run = Run(engines[0], inference)
    run.push(run.first, stream(0, 3))
    run.first.waiting = lambda: stream(3, 7)
    aside = Feed(engines[1], IMU_TYPE)
    run.pipeline.prepare(aside)
    run.push(aside, stream(4, 9))
    assert run.switches == 1
    assert run.stamps() == [2.5 + k / 2 for k in range(13)]


def test_an_old_feed_that_cannot_be_emptied_does_not_keep_the_new_one_back(
    engines: list[Engine], inference: InferenceThread
) -> None:
    run = Run(engines[0], inference)

    def broken() -> list[Received]:
        raise OSError('the subscription is gone')

    run.first.waiting = broken
    aside = Feed(engines[1], IMU_TYPE)
    run.pipeline.prepare(aside)
    run.push(aside, stream(0, 4))
    assert run.pipeline.feed is aside
    assert run.stamps() == [2.5, 3.0, 3.5]
    assert run.pipeline.counters().failures == 1


def test_a_feed_let_go_takes_nothing(engines: list[Engine], inference: InferenceThread) -> None:
    run = Run(engines[0], inference)
    aside = Feed(engines[1], IMU_TYPE)
    run.pipeline.prepare(aside)
    run.pipeline.abandon()
    run.push(aside, stream(0, 10))
    assert run.stamps() == []
    assert aside.intake.received == 0


def test_a_gap_on_the_new_topic_keeps_the_old_one_deciding(
    engines: list[Engine], inference: InferenceThread
) -> None:
    run = Run(engines[0], inference)
    aside = Feed(engines[1], IMU_TYPE)
    run.pipeline.prepare(aside)
    # One sample in half a second covers too little of any window.
    run.push(aside, stream(0, 9, rate_hz=2))
    run.push(run.first, stream(0, 9))
    assert run.stamps() == [2.5 + k / 2 for k in range(13)]
    assert run.switches == 0


def later(messages: list[Received], seconds: int) -> list[Received]:
    """Give messages that come from so many seconds on, fifty a second."""
    first_ns, period_ns = seconds * SECOND, SECOND // 50
    return [replace(m, received_ns=first_ns + k * period_ns) for k, m in enumerate(messages)]


def test_a_new_topic_that_is_taken_much_later_than_the_old_one_says_nothing_again(
    engines: list[Engine], inference: InferenceThread
) -> None:
    """On a busy computer the old one may be seconds ahead of one that is as old."""
    run = Run(engines[0], inference)
    run.push(run.first, later(stream(0, 8), 100))
    aside = Feed(engines[1], IMU_TYPE)
    run.pipeline.prepare(aside)
    run.push(aside, later(stream(0, 12), 100))
    assert run.switches == 1
    assert run.stamps() == [2.5 + k / 2 for k in range(19)]


def test_a_topic_whose_clock_is_some_seconds_behind_is_believed(
    engines: list[Engine], inference: InferenceThread
) -> None:
    run = Run(engines[0], inference)
    run.push(run.first, later(stream(5, 10), 100))
    aside = Feed(engines[1], IMU_TYPE)
    run.pipeline.prepare(aside)
    run.push(aside, later(stream(0, 4), 105))
    assert run.stamps() == [7.5, 8.0, 8.5, 9.0, 9.5, 2.5, 3.0, 3.5]


def test_a_topic_whose_clock_is_an_hour_behind_is_believed(
    engines: list[Engine], inference: InferenceThread
) -> None:
    run = Run(engines[0], inference)
    run.push(run.first, stream(3600, 3604))
    aside = Feed(engines[1], IMU_TYPE)
    run.pipeline.prepare(aside)
    run.push(aside, stream(0, 4))
    assert run.stamps() == [3602.5, 3603.0, 3603.5, 2.5, 3.0, 3.5]


@settings(max_examples=40)
@given(
    swaps=st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=1, max_size=5),
    lag=st.integers(0, 20),
)
def test_whenever_it_happens_no_hop_is_missed_or_said_twice(
    engines: list[Engine], swaps: list[tuple[int, bool]], lag: int
) -> None:
    """Both topics give the same movement, the new one ``lag`` messages behind."""
    thread = InferenceThread()
    try:
        run = Run(engines[0], thread)
        messages = stream(0, 30)
        at, current = 0, run.first
        for gap, longer in swaps:
            until = at + gap
            run.push(current, messages[at:until])
            aside = Feed(engines[2] if longer else engines[1], IMU_TYPE)
            run.pipeline.prepare(aside)
            heard = until
            while run.pipeline.feed is current and until < len(messages):
                run.push(current, messages[until : until + 1])
                until += 1
                run.push(aside, messages[heard : max(heard, until - lag)])
                heard = max(heard, until - lag)
            if run.pipeline.feed is aside:
                # What it had not heard yet when it took over.
                run.push(aside, messages[heard:until])
                current = aside
            at = until
        run.push(current, messages[at:])
        stamps = run.stamps()
        assert stamps == [2.5 + k / 2 for k in range(len(stamps))]
        assert stamps[-1] == 29.5
    finally:
        thread.close()

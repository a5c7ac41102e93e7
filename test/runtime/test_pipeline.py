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

"""One classifier at work, without ROS."""

from collections.abc import Iterator, Sequence
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pytest

from test.bundles import make_imu_bundle
from test.messages import EPOCH, imu_bytes, SECOND
from test.waiting import PATIENCE_S
from xmodal_ros.errors import StreamError
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.runtime.engine import Engine, LoadedModel, Prediction
from xmodal_ros.runtime.inference import InferenceThread
from xmodal_ros.runtime.pipeline import Feed, Pipeline, PipelineClocks, Received


@pytest.fixture(scope='module')
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine(load_bundle(make_imu_bundle(tmp_path_factory.mktemp('model') / 'bundle')))


@pytest.fixture
def inference() -> Iterator[InferenceThread]:
    thread = InferenceThread()
    yield thread
    thread.close()


def stream(seconds: int, start_ns: int = EPOCH) -> list[Received]:
    rng = np.random.default_rng(0)
    stamps = range(start_ns, start_ns + seconds * SECOND, SECOND // 50)
    return [Received(imu_bytes(t, [*rng.normal(0, 5, 3)]), t) for t in stamps]


def push(pipeline: Pipeline, messages: Sequence[Received]) -> None:
    pipeline.push(pipeline.feed, lambda: messages)


def test_windows_are_published_in_order_and_counted(
    engine: Engine, inference: InferenceThread
) -> None:
    published: list[Prediction] = []
    clocks = PipelineClocks(steady=lambda: 5, system=lambda: EPOCH + 5 * SECOND)
    pipeline = Pipeline(
        Feed(engine, IMU_TYPE), inference, 100, published.append, print, clocks=clocks
    )
    messages = [*stream(5), Received(b'', 0), Received(imu_bytes(0), 0)]
    push(pipeline, messages)
    assert pipeline.finish(PATIENCE_S)
    counters = pipeline.counters()
    assert [p.stamp_ns for p in published] == [EPOCH + k * SECOND // 2 for k in range(5, 10)]
    assert counters.received == len(messages)
    assert counters.drops == {'truncated': 1, 'zero_stamp': 1}
    assert 'header.stamp is not set' in counters.complaint
    assert (counters.windows, counters.pending, counters.unknown) == (5, 0, 0)
    assert counters.newest_ns == 5
    assert counters.label.startswith(published[-1].label)
    # Each window was due with the first sample at its end.
    waits = [5.0 - (2.5 + k / 2) for k in range(5)]
    assert counters.latency.p50_ms == pytest.approx(1000 * float(np.median(waits)), abs=1)


def test_an_unexpected_failure_is_counted_and_told_and_ends_nothing(
    engine: Engine, inference: InferenceThread
) -> None:
    told: list[tuple[str, str]] = []
    stamps: list[int] = []

    def publish(prediction: Prediction) -> None:
        if not told:
            raise RuntimeError('no room')
        stamps.append(prediction.stamp_ns)

    pipeline = Pipeline(
        Feed(engine, IMU_TYPE),
        inference,
        100,
        publish,
        lambda where, error: told.append((where, str(error))),
    )
    push(pipeline, stream(4))
    assert pipeline.finish(PATIENCE_S)
    assert told == [('on a window', 'no room')]
    assert stamps == [EPOCH + k * SECOND // 2 for k in (6, 7)]
    bad = [Received(None, 0)]  # type: ignore[arg-type]  # what no middleware would give
    push(pipeline, bad)
    assert told[1][0] == 'on a message'
    counters = pipeline.counters()
    assert counters.failures == 2
    assert 'on a message' in counters.failure


def test_a_reset_starts_the_stream_anew(engine: Engine, inference: InferenceThread) -> None:
    published: list[Prediction] = []
    pipeline = Pipeline(Feed(engine, IMU_TYPE), inference, 100, published.append, print)
    messages = stream(8)
    push(pipeline, messages[:200])
    pipeline.reset()
    push(pipeline, messages[200:])
    assert pipeline.finish(PATIENCE_S)
    stamps = [(p.stamp_ns - EPOCH) / SECOND for p in published]
    assert stamps == [2.5, 3.0, 3.5, 6.5, 7.0, 7.5]
    assert pipeline.counters().resets == 1


def test_nothing_is_published_after_closing(engine: Engine, inference: InferenceThread) -> None:
    published: list[Prediction] = []
    pipeline = Pipeline(Feed(engine, IMU_TYPE), inference, 100, published.append, print)
    pipeline.close()
    push(pipeline, stream(5))
    assert pipeline.finish(PATIENCE_S)
    assert published == []


def test_a_type_the_model_cannot_read_is_refused(
    engine: Engine, inference: InferenceThread
) -> None:
    pipeline = Pipeline(Feed(engine, IMU_TYPE), inference, 100, print, print)
    with pytest.raises(StreamError, match='cannot feed a model for imu'):
        pipeline.use_type(pipeline.feed, 'sensor_msgs/msg/Image')


def test_what_is_doubtful_about_the_newest_messages_is_told_for_the_model(
    engine: Engine, inference: InferenceThread
) -> None:
    feed = Feed(engine, IMU_TYPE)
    pipeline = Pipeline(feed, inference, 100, lambda _: None, print)
    push(pipeline, stream(5))
    # The model learnt from such accelerations, whatever is usual.
    assert {each.code for each in feed.problems('/imu')} == {'zero-rate'}
    for left, right in zip(stream(20), stream(20), strict=True):
        message = imu_bytes(left.received_ns, [0.1, 0.1, 1.0], [0.0, 0.0, 0.1], frame_id='left')
        push(pipeline, [Received(message, 0), Received(right.data, 0)])
    found = {each.code: each for each in feed.problems('/imu')}
    assert 'left 50%' in found['frames'].problem


def test_windows_that_wait_are_decided_on_together_where_that_is_asked(
    engine: Engine, inference: InferenceThread
) -> None:
    alone: list[Prediction] = []
    pipeline = Pipeline(Feed(engine, IMU_TYPE), inference, 100, alone.append, print)
    push(pipeline, stream(8))
    assert pipeline.finish(PATIENCE_S)
    together: list[list[Prediction]] = [[], []]
    model = CountingModel(engine.bundle)
    # Each has an engine of its own with the same weights, as classifiers of a process have.
    both = [
        Pipeline(
            Feed(Engine(model, threshold), IMU_TYPE),
            *(inference, 100, published.append, raising),
            batching=True,
        )
        for threshold, published in zip((None, 0.99), together, strict=True)
    ]
    entered, opened = threading.Event(), threading.Event()

    def stand_still(_item: int) -> None:
        entered.set()
        assert opened.wait(PATIENCE_S)

    gate = inference.queue(1, stand_still, print)
    gate.submit([0])
    assert entered.wait(PATIENCE_S)
    for each in both:
        push(each, stream(8))
    opened.set()
    assert all(each.finish(PATIENCE_S) for each in both)
    assert model.sizes == [2 * len(alone)]
    for found in together:
        assert [each.stamp_ns for each in found] == [each.stamp_ns for each in alone]
        for one, other in zip(found, alone, strict=True):
            np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-6)
    assert {each.label for each in together[1]} == {'unknown'}


class CountingModel:
    """A model that notes how many windows it is given at once."""

    def __init__(self, model: LoadedModel) -> None:
        self.info, self.path, self.weights = model.info, model.path, model.weights
        self.device, self.precision, self.runtime = model.device, model.precision, model.runtime
        self.sizes: list[int] = []
        self._model = model

    def probabilities(self, windows: NDArray[Any]) -> NDArray[np.float64]:
        self.sizes.append(len(windows))
        return self._model.probabilities(windows)


def raising(where: str, error: Exception) -> None:
    raise AssertionError(where) from error

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

"""A bundle answers by a CUDA graph as it does without; where there can be none it still answers.

Where there is no GPU, something that keeps what was to be run stands in for torch's graph.
"""

from collections.abc import Callable
import gc
from pathlib import Path
import re
from threading import Event, Thread
from types import TracebackType

import numpy as np
import pytest
import torch
from torch import Tensor

from test.bundles import make_audio_bundle, make_camera_bundle, make_imu_bundle
from xmodal_ros.models import cuda_graph
from xmodal_ros.models.bundle import Bundle, load_bundle
from xmodal_ros.models.cuda_graph import capture
from xmodal_ros.models.golden import read_golden
from xmodal_ros.runtime.engine import classify_together, Engine
from xmodal_ros.runtime.models import ModelStore
from xmodal_ros.windows.assembler import Window

NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason='there is no CUDA device')


class Replayed:
    """Writes anew, with each replay, into what was there when it was captured."""

    replays = 0

    def __init__(self, run: Callable[[], Tensor], device: torch.device) -> None:
        assert device.type == 'cpu'
        self._run = run
        self.output = run()

    def replay(self) -> None:
        Replayed.replays += 1
        with torch.inference_mode():
            self.output.copy_(self._run())


class Stale(Replayed):
    """Never looks at another window."""

    def replay(self) -> None:
        pass


class Once(Replayed):
    """Looks at the first window only."""

    def replay(self) -> None:
        if not Replayed.replays:
            super().replay()


class Invalidated:
    """Ends a capture as torch does where something could not be captured."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        raise RuntimeError('capture invalidated\nby an earlier error')


class Impossible(Replayed):
    tries = 0

    def __init__(self, run: Callable[[], Tensor], device: torch.device) -> None:
        Impossible.tries += 1
        with Invalidated():
            raise RuntimeError('operation not permitted\nwhen stream is capturing')


@pytest.fixture(autouse=True)
def without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_graph, 'CudaGraph', Replayed)
    monkeypatch.setattr(Replayed, 'replays', 0)
    monkeypatch.setattr(Impossible, 'tries', 0)
    monkeypatch.setattr(cuda_graph, '_has_failed', Event())


def graphed(path: Path) -> Bundle:
    bundle = load_bundle(path)
    return bundle.with_graph(read_golden(path, bundle.info))


def window_of(bundle: Bundle, seed: int) -> Window:
    values = np.random.default_rng(seed).integers(0, 9, bundle.info.window_shape)
    return Window(0, values.astype(np.uint8), 1.0, '')


@pytest.mark.parametrize('make', [make_imu_bundle, make_camera_bundle, make_audio_bundle])
def test_each_window_is_answered_as_without_a_graph(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    bundle = graphed(make(tmp_path / 'bundle'))
    with_it, without = Engine(bundle), Engine(load_bundle(bundle.path))
    with_it.warm_up()
    Replayed.replays = 0
    for seed in range(3):
        window = window_of(bundle, seed)
        assert with_it.classify(window) == without.classify(window)
    assert Replayed.replays == 3


def test_what_was_answered_stays_what_it_was(tmp_path: Path) -> None:
    bundle = graphed(make_imu_bundle(tmp_path / 'bundle'))
    first = bundle.logits(torch.ones((1, *bundle.info.window_shape)))
    kept = first.clone()
    bundle.logits(torch.full((1, *bundle.info.window_shape), -3.0))
    assert torch.equal(first, kept)


def test_several_threads_do_not_mix_their_windows(tmp_path: Path) -> None:
    bundle = graphed(make_imu_bundle(tmp_path / 'bundle'))
    engine = Engine(bundle)
    windows = [window_of(bundle, seed) for seed in range(2)]
    expected = [engine.classify(window) for window in windows]
    found: list[list[bool]] = [[], []]

    def ask(number: int) -> None:
        for _ in range(100):
            found[number].append(engine.classify(windows[number]) == expected[number])

    threads = [Thread(target=ask, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[True] * 100] * 2


def test_windows_in_a_batch_go_without(tmp_path: Path) -> None:
    bundle = graphed(make_imu_bundle(tmp_path / 'bundle'))
    Replayed.replays = 0
    engine = Engine(bundle)
    assert len(classify_together([(engine, window_of(bundle, seed)) for seed in range(2)])) == 2
    assert Replayed.replays == 0


@pytest.mark.parametrize(
    ('stand_in', 'words'),
    [
        (
            Impossible,
            r'longer on cpu: operation not permitted \(no other is tried in this process\)$',
        ),
        (
            Stale,
            r'longer on cpu: the graph answers the golden sample .* off \(at most .* allowed\)$',
        ),
        (Once, r'longer on cpu: the graph answers another window .* off \(at most .* allowed\)$'),
    ],
)
def test_without_one_a_bundle_answers_and_the_log_says_why(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    stand_in: type[Replayed],
    words: str,
) -> None:
    monkeypatch.setattr(cuda_graph, 'CudaGraph', stand_in)
    bundle = graphed(make_imu_bundle(tmp_path / 'bundle'))
    assert bundle.graph is None
    window = window_of(bundle, 0)
    assert Engine(bundle).classify(window) == Engine(load_bundle(bundle.path)).classify(window)
    (record,) = caplog.records
    assert record.levelname == 'WARNING'
    assert re.search(words, record.getMessage())


def test_after_a_capture_that_failed_none_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cuda_graph, 'CudaGraph', Impossible)
    for name in ('first', 'second'):
        assert graphed(make_imu_bundle(tmp_path / name)).graph is None
    assert Impossible.tries == 1
    assert caplog.messages[1].endswith('longer on cpu: an earlier one could not be captured')


def test_after_a_graph_that_answers_wrongly_others_are_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_imu_bundle(tmp_path / 'bundle')
    with monkeypatch.context() as patched:
        patched.setattr(cuda_graph, 'CudaGraph', Stale)
        assert graphed(path).graph is None
    assert graphed(path).graph is not None


def test_classifiers_that_share_weights_share_the_graph_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_imu_bundle(tmp_path / 'bundle')
    monkeypatch.setattr(
        'xmodal_ros.models.bundle.load_bundle', lambda path, *_others: graphed(path)
    )
    store = ModelStore()
    first, second = (store.engine(path, 'cpu', 'fp32', None, 'torch') for _ in range(2))
    assert isinstance(first.bundle, Bundle)
    assert isinstance(second.bundle, Bundle)
    assert first.bundle.graph is not None
    assert first.bundle.graph is second.bundle.graph
    del first, second
    gc.collect()
    assert not store._graphs
    assert not store._classifiers


def test_on_the_cpu_there_is_none(tmp_path: Path) -> None:
    assert load_bundle(make_imu_bundle(tmp_path / 'bundle')).graph is None


@NEEDS_CUDA
@pytest.mark.parametrize('make', [make_imu_bundle, make_camera_bundle, make_audio_bundle])
def test_a_gpu_answers_by_its_graph(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    make: Callable[[Path], Path],
) -> None:
    monkeypatch.undo()
    bundle = load_bundle(make(tmp_path / 'bundle'), 'cuda')
    assert bundle.graph is not None, caplog.text
    without = Bundle(bundle.path, bundle.info, bundle.classifier, bundle.device)
    for seed in range(3):
        window = torch.from_numpy(window_of(bundle, seed).values)[None]
        torch.testing.assert_close(bundle.logits(window), without.logits(window).cpu())


@NEEDS_CUDA
def test_a_capture_that_fails_leaves_a_gpu_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(cuda_graph, '_has_failed', Event())
    path = make_imu_bundle(tmp_path / 'bundle')
    good = load_bundle(path, 'cuda')
    assert good.graph is not None, caplog.text

    def asks(window: Tensor) -> Tensor:
        answer = Bundle(path, good.info, good.classifier, good.device).logits(window)
        return answer * float(answer.isfinite().all().item())

    golden = read_golden(path, good.info)
    stream = torch.cuda.current_stream()
    assert capture(asks, golden, good.device, 'fp32') is None
    assert 'capturing' in caplog.messages[-1], caplog.text
    assert torch.cuda.current_stream() == stream
    torch.cuda.empty_cache()
    assert torch.rand(1, device='cuda').isfinite()
    window = torch.from_numpy(golden.window)[None]
    another = load_bundle(make_imu_bundle(tmp_path / 'another'), 'cuda')
    assert another.graph is None
    torch.testing.assert_close(another.logits(window).cpu(), good.logits(window))
    with pytest.raises(torch.OutOfMemoryError):
        torch.empty(2**50, dtype=torch.uint8, device='cuda')
    # Even a capture would work again.
    monkeypatch.setattr(cuda_graph, '_has_failed', Event())
    assert load_bundle(path, 'cuda').graph is not None, caplog.text


@NEEDS_CUDA
def test_each_gpu_has_graphs_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.undo()
    path = make_imu_bundle(tmp_path / 'bundle')
    for index in range(torch.cuda.device_count()):
        bundle = load_bundle(path, f'cuda:{index}')
        assert bundle.graph is not None, caplog.text

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

"""A forward pass on a GPU as one call: captured once, replayed for each window.

Of small nets a GPU computes each kernel faster than a CPU launches it. Untried: no GPU was at
hand. What it answers is proved like any other runtime's, and where it cannot be had the net runs
kernel by kernel.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
import logging
import threading
from typing import Final

import numpy as np
import torch
from torch import Tensor

from xmodal_ros.errors import BundleError
from xmodal_ros.models.golden import GoldenSample, tolerance
from xmodal_ros.models.precision import Precision
from xmodal_ros.non_blocking import to_device

_WARM_UP_RUNS: Final = 3
# For the rest of the process: not all that a failed capture leaves in torch can be taken back.
_has_failed: Final = threading.Event()

_log = logging.getLogger(__name__)


class CudaGraph:
    """What ``run`` launches on a GPU; ``output`` is what it gave, written anew by each replay.

    Raises RuntimeError where something in it cannot be captured.
    """

    def __init__(self, run: Callable[[], Tensor], device: torch.device) -> None:
        with torch.cuda.device(device):
            before = torch.cuda.current_stream()
            apart = torch.cuda.Stream()
            apart.wait_stream(before)
            # What is set up the first time cannot be captured; nor may it run where others do.
            with torch.cuda.stream(apart):
                for _ in range(_WARM_UP_RUNS):
                    run()
            before.wait_stream(apart)
            self._graph = torch.cuda.CUDAGraph()
            pool = torch.cuda.graph_pool_handle()
            with (
                _mended(pool),
                # A capture that fails leaves its own stream behind.
                torch.cuda.stream(before),
                # The stream that torch takes by itself is of the GPU of the first graph, even for
                # another's. Other threads, which classify meanwhile, have no part in this one's.
                torch.cuda.graph(
                    self._graph,
                    pool=pool,
                    stream=torch.cuda.Stream(),
                    capture_error_mode='thread_local',
                ),
            ):
                self.output = run()

    def replay(self) -> None:
        """Launch it all again."""
        self._graph.replay()


@contextmanager
def _mended(pool: tuple[int, int]) -> Iterator[None]:
    """Take back what a capture that fails on the current GPU would leave in torch.

    Its allocator would take each capture and each want of memory from then on for a part of this
    one, and its random numbers would be those of a graph.
    """
    index = torch.cuda.current_device()
    generator = torch.cuda.default_generators[index]
    state = generator.clone_state()
    try:
        yield
    except BaseException:
        # The first refuses where the capture has been ended, and the second must not be then: the
        # graph gives its pool back itself. Earlier torch than 2.8 has neither.
        with suppress(RuntimeError, AttributeError):
            torch._C._cuda_endAllocateToPool(index, pool)  # noqa: SLF001 - there is no other way
            torch._C._cuda_releasePool(index, pool)  # noqa: SLF001
        generator.graphsafe_set_state(state)
        raise


class WindowGraph:
    """Answers one raw window (1, steps, ...) at a time as ``run`` would, by a graph of it."""

    def __init__(
        self,
        run: Callable[[Tensor], Tensor],
        shape: tuple[int, ...],
        device: torch.device,
    ) -> None:
        self._lock = threading.Lock()
        # Of the type to which preprocessing turns windows first.
        self._window = torch.zeros((1, *shape), device=device)
        self._graph = CudaGraph(lambda: run(self._window), device)

    def __call__(self, window: Tensor) -> Tensor:
        """Give the logits (1, classes), on the CPU. From any thread."""
        with self._lock:
            self._window.copy_(to_device(window, self._window.device))
            self._graph.replay()
            return self._graph.output.to('cpu', copy=True)


def capture(
    run: Callable[[Tensor], Tensor],
    golden: GoldenSample,
    device: torch.device,
    precision: Precision,
) -> WindowGraph | None:
    """Make a graph of ``run`` for windows like the golden one; None where that fails.

    It has to answer that one as it should be, and another as ``run`` does. Why there is none is
    said in the log; after a capture that failed none is tried any more in this process.
    """
    if _has_failed.is_set():
        words = 'an earlier one could not be captured'
    else:
        window = torch.from_numpy(golden.window)[None]
        # For a graph that never looks at its window. Backwards, as some nets see no offset.
        other = torch.from_numpy(np.flip(golden.window, 0) + 1)[None]
        try:
            graph = WindowGraph(run, golden.window.shape, device)
            _check('the golden sample', graph(window), torch.from_numpy(golden.logits), precision)
            _check('another window', graph(other), run(other)[0].cpu(), precision)
        except BundleError as error:
            words = str(error)
        except RuntimeError as error:
            _has_failed.set()
            # Where an operation cannot be captured, what is raised tells only that none was.
            words = str(error.__context__ or error).partition('\n')[0]
            words += ' (no other is tried in this process)'
        else:
            return graph
    _log.warning('no CUDA graph is used, and windows take longer on %s: %s', device, words)
    return None


def _check(what: str, given: Tensor, expected: Tensor, precision: Precision) -> None:
    error = float((given[0].float() - expected.float()).abs().max())
    allowed = tolerance(expected.float().numpy(), precision)
    if not error <= allowed:
        raise BundleError(
            f'the graph answers {what} {error:.3g} off (at most {allowed:.3g} is allowed)'
        )

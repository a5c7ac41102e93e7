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

from collections.abc import Callable
import logging
import threading
from typing import Final

import torch
from torch import Tensor

from xmodal_ros.errors import BundleError
from xmodal_ros.non_blocking import to_device

_WARM_UP_RUNS: Final = 3

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
            # The outer block: a capture that fails leaves its own stream behind. Other threads,
            # which classify meanwhile, have no part in this one's.
            with (
                torch.cuda.stream(before),
                torch.cuda.graph(self._graph, capture_error_mode='thread_local'),
            ):
                self.output = run()

    def replay(self) -> None:
        """Launch it all again."""
        self._graph.replay()


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
    window: Tensor,
    device: torch.device,
    check: Callable[[Tensor], None],
) -> WindowGraph | None:
    """Make a graph of ``run`` for windows like this one (1, steps, ...); None where that fails.

    ``check`` raises :class:`BundleError` where what it answers to the window is not what it
    should be. Why there is none is said in the log.
    """
    try:
        graph = WindowGraph(run, tuple(window.shape[1:]), device)
        check(graph(window))
    except (RuntimeError, BundleError) as error:
        words = ' '.join(str(error).split())
        _log.warning('no CUDA graph is used, and windows take longer on %s: %s', device, words)
        return None
    return graph

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

"""Several processes that train one classifier: started by ``torchrun``, on one machine or many.

Any number of processes gives what one gives, up to the order of additions, whatever the method.
That is why this is not ``DistributedDataParallel``, nor Lightning Fabric on top of it: these
average the gradients of losses that each process computes on its own windows, and

* a loss that weighs windows by activity is divided by the weights in the step, of which a share
  has others, and labelled windows are not as many in every share;
* losses that compare windows with each other (InfoNCE's negatives) or two sensors' batches
  (D-CAT) are no sums over windows at all;
* what is drawn in a step (dropout, changes of windows, partners of a class) would be drawn by
  each process for itself.

So every process draws the same random numbers for the whole step and holds the same weights. Each
runs the target on its share of the step's windows; the outputs are gathered with their gradients,
and every process computes the same loss on the whole step. Then gradients are averaged. No
normalisation of the target looks at several windows of a batch in training, or it would have to be
told of all of them; a method whose target does says so (``one_process``) and is refused.

Each reads only what it runs, of a step's windows as of those on which frozen sources are asked;
in the place of the others are zeros while the step is changed at random, so that as much is drawn.
A method that looks at the windows of the whole step (co-training) has the others' sent to it.
Recordings are cut by one process of each machine, and read by the others from the cache.

Bytes are sent as they are, for torch's way of sending objects unpickles them.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
import datetime as dt
import os
from typing import Final

import torch
from torch import distributed, nn, Tensor
from torch.distributed.nn.functional import all_reduce
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from xmodal_ros.errors import ConfigurationError, TrainingError
from xmodal_ros.methods.source import infer_all
from xmodal_ros.models.classifier import Classifier, Outputs
from xmodal_ros.models.lazy_tensor import WindowTensor
from xmodal_ros.training.launched import started_processes

# So long may processes wait for one that cuts recordings.
_TIMEOUT: Final = dt.timedelta(hours=2)


class DistributedContext:
    """One process alone; what several do together is here nothing."""

    rank = 0
    world_size = 1

    @property
    def is_main_process(self) -> bool:
        """Whether this process is the one that reports and writes."""
        return self.rank == 0

    def share(self, rows: int) -> slice:
        """Give which of so many rows are this process's; a process may have none."""
        return slice(
            rows * self.rank // self.world_size, rows * (self.rank + 1) // self.world_size
        )

    def gather(self, own: Tensor, rows: slice, total: int) -> Tensor:  # noqa: ARG002
        """Gather what each process has (rows, ...) into (total, ...)."""
        return own

    def outputs(self, run: Callable[[Tensor], Outputs], windows: Tensor) -> Outputs:
        """Run the target on windows (B, steps, ...), each process on its share."""
        return run(windows)

    def read_own(self, values: WindowTensor, rows: Tensor) -> Tensor:
        """Give windows (B, steps, ...) of which those are read that this process runs."""
        windows: Tensor = values[rows]
        return windows

    def share_rows(self, windows: Tensor) -> Tensor:
        """Give windows (B, steps, ...) whole of which each process has its share."""
        return windows

    def read_rows(self, values: WindowTensor, rows: Tensor) -> Tensor:
        """Give windows (R, steps, ...) whole, for which each process reads its share."""
        return self.share_rows(self.read_own(values, rows))

    def infer(
        self,
        classifier: Classifier,
        windows: WindowTensor,
        tell: Callable[[int], None] = lambda _count: None,
    ) -> Outputs:
        """Ask a frozen classifier for all windows (N, ...), each process for its share.

        ``tell`` hears how many have been answered.
        """
        return infer_all(classifier, windows, tell=tell)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give every process the mean of their gradients."""

    def broadcast(self, value: float) -> float:
        """Give every process the number of the main one."""
        return value

    def broadcast_bytes(self, content: bytes | None) -> bytes | None:
        """Give every process what the main one has."""
        return content

    def check_same(self, name: str, digest: str) -> None:
        """Raise :class:`TrainingError` unless all processes have the same."""

    @contextmanager
    def local_main_process_first(self) -> Iterator[None]:
        """Let the first process of each machine run the block before the others do."""
        yield

    @contextmanager
    def shared_dropout(self, target: nn.Module) -> Iterator[None]:  # noqa: ARG002
        """Let the target draw within for a whole step what it drops of its share."""
        yield


SINGLE_PROCESS: Final = DistributedContext()


class ProcessGroup(DistributedContext):
    """One of several processes of ``torch.distributed``; ``local_rank`` counts on its machine."""

    def __init__(self, local_rank: int) -> None:
        self.rank = distributed.get_rank()
        self.world_size = distributed.get_world_size()
        self._local_rank = local_rank
        self._batch_rows = BatchRows()

    def gather(self, own: Tensor, rows: slice, total: int) -> Tensor:
        """Gather rows, by a sum over all processes.

        Every process goes on with the same computation on them and comes to the same gradient.
        Backward these add up, so that of the rows which only one process ran counts as often as
        there are processes: they are divided by that with all others.
        """
        around = [0, 0] * (own.ndim - 1) + [rows.start, total - rows.stop]
        gathered: Tensor = all_reduce(nn.functional.pad(own, around))
        return gathered

    def outputs(self, run: Callable[[Tensor], Outputs], windows: Tensor) -> Outputs:
        """Run the target on its share, and gather what all made of theirs."""
        total, rows = len(windows), self.share(len(windows))
        ran = _run_rows(rows)
        with self._batch_rows.at(ran, total):
            outputs = run(windows[ran])
        return self._gather_outputs(outputs, rows, total)

    def _gather_outputs(self, outputs: Outputs, rows: slice, total: int) -> Outputs:
        count = rows.stop - rows.start
        return Outputs(
            **{
                each.name: self.gather(getattr(outputs, each.name).float()[:count], rows, total)
                for each in fields(Outputs)
            }
        )

    def read_own(self, values: WindowTensor, rows: Tensor) -> Tensor:
        """Read this process's share, and have zeros in the place of the others."""
        ran = _run_rows(self.share(len(rows)))
        read: Tensor = values[rows[ran]]
        windows = read.new_zeros((len(rows), *read.shape[1:]))
        windows[ran] = read
        return windows

    def share_rows(self, windows: Tensor) -> Tensor:
        """Gather what each process has read."""
        rows = self.share(len(windows))
        return self.gather(windows[rows], rows, len(windows))

    def infer(
        self,
        classifier: Classifier,
        windows: WindowTensor,
        tell: Callable[[int], None] = lambda _count: None,
    ) -> Outputs:
        """Ask for this process's share, and gather what all were answered."""
        rows = self.share(len(windows))
        # What the others have answered is as much, about.
        answered = infer_all(
            classifier,
            windows,
            _run_rows(rows),
            lambda count: tell(min(len(windows), count * self.world_size)),
        )
        return self._gather_outputs(answered, rows, len(windows))

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give every process the mean of their gradients."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = parameters_to_vector(gradients)
        distributed.all_reduce(flat)
        vector_to_parameters(flat / self.world_size, gradients)

    def broadcast(self, value: float) -> float:
        """Give every process the number of the main one."""
        sent = torch.tensor([value], dtype=torch.float64)
        distributed.broadcast(sent, src=0)
        return float(sent)

    def broadcast_bytes(self, content: bytes | None) -> bytes | None:
        """Give every process what the main one has."""
        size = int(self.broadcast(-1 if content is None else len(content)))
        if size < 0:
            return None
        sent = torch.zeros(size, dtype=torch.uint8)
        if self.is_main_process and content is not None:
            sent = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        distributed.broadcast(sent, src=0)
        return sent.numpy().tobytes()

    def check_same(self, name: str, digest: str) -> None:
        """Compare with the main process."""
        of_main = self.broadcast_bytes(digest.encode())
        differs = torch.tensor([float(of_main != digest.encode())])
        distributed.all_reduce(differs)
        if differs:
            raise TrainingError(
                f'{name} of process {self.rank} '
                + ('differ' if of_main != digest.encode() else 'and of another process differ')
                + ' from those of process 0: start all with the same settings, package and '
                'recordings'
            )

    @contextmanager
    def local_main_process_first(self) -> Iterator[None]:
        """Let the first process of each machine run the block before the others do."""
        if self._local_rank > 0:
            self._wait_for_all()
        yield
        if self._local_rank == 0:
            self._wait_for_all()

    def _wait_for_all(self) -> None:
        # On the CPU, for which there is a group whatever trains; a barrier would take a GPU's.
        distributed.all_reduce(torch.zeros(1))

    @contextmanager
    def shared_dropout(self, target: nn.Module) -> Iterator[None]:
        """Let the target draw within for a whole step what it drops of its share."""
        found = [
            (parent, name, child)
            for parent in target.modules()
            for name, child in parent.named_children()
            if isinstance(child, nn.Dropout | nn.Dropout1d)
        ]
        for parent, name, child in found:
            setattr(parent, name, _SharedDropout(child, self._batch_rows))
        try:
            yield
        finally:
            for parent, name, child in found:
                setattr(parent, name, child.train(parent.training))


def _run_rows(rows: slice) -> slice:
    """Give the rows a process runs: without one of its own another, which is not counted."""
    return rows if rows.stop > rows.start else slice(0, 1)


class BatchRows:
    """Which rows of a step a process is running, while it does."""

    def __init__(self) -> None:
        self.rows: slice | None = None
        self.total = 0

    @contextmanager
    def at(self, rows: slice, total: int) -> Iterator[None]:
        """Run rows of so many."""
        self.rows, self.total = rows, total
        try:
            yield
        finally:
            self.rows = None


class _SharedDropout(nn.Module):
    """Dropout that draws for the whole step and takes its rows of it.

    So every process draws as much, and a step loses the same whoever runs which part of it.
    """

    def __init__(self, dropout: nn.Dropout | nn.Dropout1d, batch_rows: BatchRows) -> None:
        super().__init__()
        self.p = dropout.p
        self._whole_channels = isinstance(dropout, nn.Dropout1d)
        self._alone = type(dropout)(dropout.p)
        self._batch_rows = batch_rows

    def forward(self, x: Tensor) -> Tensor:
        rows = self._batch_rows.rows
        if rows is None:
            answer: Tensor = self._alone(x)
            return answer
        if not self.training or not self.p:
            return x
        shape = [self._batch_rows.total, *x.shape[1:]]
        if self._whole_channels:
            shape[-1] = 1
        noise = x.new_empty(shape).bernoulli_(1 - self.p).div_(1 - self.p)
        return x * noise[rows]


@contextmanager
def init_distributed(device: str) -> Iterator[tuple[DistributedContext, str]]:
    """Join the processes that ``torchrun`` started; gives them and the device of this one.

    Without ``torchrun`` there is this process alone. With it, ``auto`` and ``cuda`` are a GPU
    each, by its number on the machine, where there are enough of them. Raises
    :class:`ConfigurationError` when the processes do not find each other.
    """
    if started_processes() < 2:
        yield SINGLE_PROCESS, device
        return
    local = int(os.environ.get('LOCAL_RANK', '0'))
    if device in ('auto', 'cuda'):
        enough = torch.cuda.device_count() >= int(os.environ.get('LOCAL_WORLD_SIZE', '1'))
        if device == 'cuda' and not enough:
            raise ConfigurationError(
                f'there are {torch.cuda.device_count()} CUDA devices on this machine for '
                f'{os.environ.get("LOCAL_WORLD_SIZE")} processes: start as many as there are, or '
                'choose --device cpu'
            )
        device = f'cuda:{local}' if enough else 'cpu'
    on_gpu = device.startswith('cuda')
    if on_gpu:
        torch.cuda.set_device(torch.device(device))
    try:
        distributed.init_process_group(
            'cpu:gloo,cuda:nccl' if on_gpu else 'gloo', timeout=_TIMEOUT
        )
    except (RuntimeError, ValueError) as error:
        raise ConfigurationError(
            f'the processes of torchrun do not find each other: {error}'
        ) from error
    try:
        yield ProcessGroup(local), device
    finally:
        distributed.destroy_process_group()

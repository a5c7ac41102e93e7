"""Several processes that train one classifier: started by ``torchrun``, on one machine or many.

Every process draws the same random numbers and holds the same weights. Each runs the target on
its share of a step's windows; what it makes of them is gathered, so that every process computes
the same loss on the whole step, whatever the method. Gradients are averaged. So any number of
processes gives what one gives, up to the order of additions.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
import datetime as dt
import os
from typing import Any, Final

import torch
from torch import distributed, nn, Tensor

from xmodal_ros.errors import ConfigurationError, TrainingError
from xmodal_ros.models.classifier import Outputs

# So long may one process have to read recordings that another has in its cache.
_PATIENCE: Final = dt.timedelta(hours=2)


class DistributedContext:
    """One process alone; what several do together is here nothing."""

    number = 0
    count = 1

    @property
    def is_main_process(self) -> bool:
        """Whether this process is the one that writes and tells."""
        return self.number == 0

    def share(self, rows: int) -> slice:
        """Give which of so many rows are this process's; a process may have none."""
        return slice(rows * self.number // self.count, rows * (self.number + 1) // self.count)

    def whole(self, own: Tensor, rows: slice, total: int) -> Tensor:  # noqa: ARG002
        """Gather what each process has (rows, ...) into (total, ...), without gradients."""
        return own

    def outputs(self, run: Callable[[Tensor], Outputs], windows: Tensor) -> Outputs:
        """Run the target on windows (B, steps, ...), each process on its share."""
        return run(windows)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give every process the mean of their gradients."""

    def broadcast(self, value: float) -> float:
        """Give every process the number of the one that leads."""
        return value

    def broadcast_bytes(self, content: bytes | None) -> bytes | None:
        """Give every process what the one that leads has."""
        return content

    def check_same(self, name: str, digest: str) -> None:
        """Raise :class:`TrainingError` unless all processes have the same."""

    @contextmanager
    def shared_dropout(self, target: nn.Module) -> Iterator[None]:  # noqa: ARG002
        """Let the target draw within for a whole step what it drops of its share."""
        yield


SINGLE_PROCESS: Final = DistributedContext()


class ProcessGroup(DistributedContext):
    """One of several processes of ``torch.distributed``."""

    def __init__(self, device: torch.device) -> None:
        self.number = distributed.get_rank()
        self.count = distributed.get_world_size()
        self._device = device
        self._place = BatchRows()

    def whole(self, own: Tensor, rows: slice, total: int) -> Tensor:
        """Gather rows, by a sum over all processes."""
        gathered = own.new_zeros((total, *own.shape[1:]))
        gathered[rows] = own
        distributed.all_reduce(gathered)
        return gathered

    def outputs(self, run: Callable[[Tensor], Outputs], windows: Tensor) -> Outputs:
        """Run the target on its share, and gather what all made of theirs."""
        total, rows = len(windows), self.share(len(windows))
        # Without a row of its own a process runs one that is not counted.
        ran = rows if rows.stop > rows.start else slice(0, 1)
        with self._place.at(ran, total):
            outputs = run(windows[ran])
        gathered = {
            each.name: _Gather.apply(  # type: ignore[no-untyped-call]
                getattr(outputs, each.name).float()[: rows.stop - rows.start], rows, total, self
            )
            for each in fields(Outputs)
        }
        return Outputs(**gathered)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give every process the mean of their gradients."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.count
        for gradient, mean in zip(
            gradients, flat.split([g.numel() for g in gradients]), strict=True
        ):
            gradient.copy_(mean.view_as(gradient))

    def broadcast(self, value: float) -> float:
        """Give every process the number of the one that leads."""
        told = torch.tensor([value], dtype=torch.float64)
        distributed.broadcast(told, src=0)
        return float(told)

    def broadcast_bytes(self, content: bytes | None) -> bytes | None:
        """Give every process what the one that leads has."""
        size = int(self.broadcast(-1 if content is None else len(content)))
        if size < 0:
            return None
        told = torch.zeros(size, dtype=torch.uint8)
        if self.is_main_process and content is not None:
            told = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        distributed.broadcast(told, src=0)
        return told.numpy().tobytes()

    def check_same(self, name: str, digest: str) -> None:
        """Compare with the process that leads."""
        leaders = self.broadcast_bytes(digest.encode())
        differs = torch.tensor([float(leaders != digest.encode())])
        distributed.all_reduce(differs)
        if differs:
            raise TrainingError(
                f'{name} of process {self.number} '
                + ('differ' if leaders != digest.encode() else 'and of another process differ')
                + ' from those of process 0: start all with the same settings, package and '
                'recordings'
            )

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
            setattr(parent, name, _SharedDropout(child, self._place))
        try:
            yield
        finally:
            for parent, name, child in found:
                setattr(parent, name, child.train(parent.training))


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

    def __init__(self, dropout: nn.Dropout | nn.Dropout1d, place: BatchRows) -> None:
        super().__init__()
        self.p = dropout.p
        self._whole_channels = isinstance(dropout, nn.Dropout1d)
        self._alone = type(dropout)(dropout.p)
        self._place = place

    def forward(self, x: Tensor) -> Tensor:
        rows = self._place.rows
        if rows is None:
            answer: Tensor = self._alone(x)
            return answer
        if not self.training or not self.p:
            return x
        shape = [self._place.total, *x.shape[1:]]
        if self._whole_channels:
            shape[-1] = 1
        noise = x.new_empty(shape).bernoulli_(1 - self.p).div_(1 - self.p)
        return x * noise[rows]


class _Gather(torch.autograd.Function):
    """Gather rows, and lead each process's gradient back to its own.

    The loss is computed by all processes alike, and gradients are averaged later: that of the rows
    that only one process ran has to count as often as there are processes.
    """

    @staticmethod
    def forward(ctx: Any, own: Tensor, rows: slice, total: int, team: ProcessGroup) -> Tensor:
        ctx.rows, ctx.count = rows, team.count
        return team.whole(own, rows, total)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return gradient[ctx.rows] * ctx.count, None, None, None


@contextmanager
def init_distributed(device: str) -> Iterator[tuple[DistributedContext, str]]:
    """Join the processes that ``torchrun`` started; gives them and the device of this one.

    Without ``torchrun`` there is this process alone. With it, ``auto`` and ``cuda`` are a GPU
    each, by its number on the machine, where there are enough of them. Raises
    :class:`ConfigurationError` when the processes do not find each other.
    """
    if int(os.environ.get('WORLD_SIZE', '1')) < 2 or not distributed.is_torchelastic_launched():
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
            'cpu:gloo,cuda:nccl' if on_gpu else 'gloo', timeout=_PATIENCE
        )
    except (RuntimeError, ValueError) as error:
        raise ConfigurationError(
            f'the processes of torchrun do not find each other: {error}'
        ) from error
    try:
        yield ProcessGroup(torch.device(device)), device
    finally:
        distributed.destroy_process_group()

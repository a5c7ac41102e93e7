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

"""A sensor that a target learns from: its windows, its classifier, and who is paired with whom."""

from collections.abc import Callable, Iterable, Mapping
import copy
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Final, Literal

import torch
from torch import Generator, Tensor

from xmodal_ros.errors import ConfigurationError, TrainingError
from xmodal_ros.models.classifier import Classifier, Outputs, outputs_in_batches
from xmodal_ros.models.lazy_tensor import WindowTensor
from xmodal_ros.non_blocking import to_device

Augment = Callable[[Tensor, Generator], Tensor]
# The rows (R,) that are asked for, as raw windows (R, steps, ...).
ReadRows = Callable[[WindowTensor, Tensor], Tensor]
# What a classifier answers on all windows, in eval mode and without gradients.
Infer = Callable[[Classifier, WindowTensor], Outputs]
Pairing = Literal['time', 'class', 'time_else_class']
# The class index of a window of which nobody says what it shows.
NO_LABEL: Final = -1


@dataclass(frozen=True, eq=False)
class WindowTensors:
    """Training windows of a sensor, all on the CPU.

    ``values`` (N, steps, ...) are raw and may be gathered only when rows are asked for,
    ``labels`` (N,) class indices or :data:`NO_LABEL`, ``recordings`` (N,) and ``ends_ns`` (N,)
    say where each comes from.
    """

    values: WindowTensor
    labels: Tensor
    recordings: Tensor
    ends_ns: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def infer_all(
    classifier: Classifier,
    windows: WindowTensor,
    rows: slice | None = None,
    tell: Callable[[int], None] = lambda _count: None,
) -> Outputs:
    """Give what a classifier answers on all windows (N, ...), or on rows, without gradients.

    ``tell`` hears how many have been answered.
    """
    batches: list[Outputs] = []
    answered = 0
    for batch in outputs_in_batches(classifier, windows, rows):
        batches.append(batch)
        answered += len(batch.logits)
        tell(answered)
    return Outputs(
        **{f.name: torch.cat([getattr(b, f.name) for b in batches]) for f in fields(Outputs)}
    )


class Source:
    """One source of a target.

    ``in_time`` (N,) gives for each of the target's N training windows the row of ``windows``
    that ends at the same stamp, or -1. Where a method trains the source together with the
    target, ``classifier`` is fresh and ``augment`` changes its windows (raw (B, steps, ...), with
    a generator); otherwise it has been trained and is only asked for :attr:`outputs`. Where
    several processes train, ``infer`` and ``read_rows`` let each read its share only.
    Raises :class:`ConfigurationError` when it tells other activities apart than the target.
    """

    def __init__(
        self,
        name: str,
        classifier: Classifier,
        windows: WindowTensors,
        in_time: Tensor,
        classes: int,
        augment: Augment,
        *,
        infer: Infer = infer_all,
        read_rows: ReadRows = lambda values, rows: values[rows],
    ) -> None:
        if classifier.head.out_features != classes:
            raise ConfigurationError(
                f"source '{name}' tells {classifier.head.out_features} activities apart, the "
                f'target {classes}: train both on the same labels'
            )
        self.name = name
        self.classifier = classifier
        self.windows = windows
        self.in_time = in_time
        self.augment = augment
        self._infer = infer
        self._read_rows = read_rows
        self.labelled = torch.nonzero(windows.labels != NO_LABEL)[:, 0]
        """(L,) the rows of those windows that have a label."""
        labels = windows.labels[self.labelled]
        counts = torch.bincount(labels, minlength=classes)
        self.known = counts > 0
        """(classes,) whether any of its windows shows the activity."""
        self._counts = counts
        self._first = counts.cumsum(0) - counts
        self._by_class = self.labelled[labels.argsort(stable=True)]

    @cached_property
    def outputs(self) -> Outputs:
        """What the frozen source answers on all its windows (M, ...), without gradients.

        It is asked once, in eval mode and on windows as they are, so its answers never change.
        Raises :class:`TrainingError` when some are no numbers.
        """
        self.classifier.eval().requires_grad_(requires_grad=False)
        outputs = self._infer(self.classifier, self.windows.values)
        broken = int(
            (~(outputs.feature.isfinite().all(1) & outputs.logits.isfinite().all(1))).sum()
        )
        if broken:
            raise TrainingError(
                f"source '{self.name}' answers {broken} of its {len(self.windows)} windows with "
                'values that are no numbers: check its recordings for values far out of range, or '
                'leave this source out'
            )
        return outputs

    def answering(self, logits: Tensor) -> 'Source':
        """Give the same source with other logits (M, classes) among its outputs."""
        other = copy.copy(self)
        other.outputs = replace(self.outputs, logits=logits)
        return other

    def read(self, rows: Tensor) -> Tensor:
        """Give the raw windows (R, steps, ...) of rows (R,), on the CPU."""
        return self._read_rows(self.windows.values, rows)

    def partners(self, rows: Tensor, labels: Tensor, pairing: Pairing) -> Tensor:
        """Give for target windows (B,) of activities ``labels`` (B,) a row each, or -1.

        ``time``: the window that ends at the same stamp; ``class``: a random one of the same
        activity, for recordings that were not made together, and none for a window without a
        label; ``time_else_class``: the latter where the former is missing. All on the CPU but the
        labels, which may be on a GPU: it is waited for where they are asked for.
        """
        if pairing == 'time':
            return self.in_time[rows]
        labels = labels.cpu()
        count = torch.where(labels == NO_LABEL, 0, self._counts[labels])
        chosen = self._first[labels] + (torch.rand(len(labels)) * count).long()
        of_class = torch.where(
            count > 0, self._by_class[chosen.clamp(max=len(self.labelled) - 1)], -1
        )
        if pairing == 'class':
            return of_class
        in_time = self.in_time[rows]
        return torch.where(in_time >= 0, in_time, of_class)


@dataclass(frozen=True, eq=False)
class PairedSource:
    """A frozen source's outputs on those windows of a batch that have a partner.

    ``rows`` (P,) are positions in the target's batch; row ``i`` of ``outputs`` is the partner of
    ``rows[i]``. The outputs carry no gradients. ``known`` (classes,), which
    is on the CPU, says which activities the source has seen.
    """

    rows: Tensor
    outputs: Outputs
    known: Tensor


def mean_over_pairs(losses: Iterable[Tensor], sources: Iterable[PairedSource]) -> Tensor:
    """Average the losses () of sources, each counting as often as it has a pair.

    A source that few windows know would else weigh as much as one that all know.
    """
    given, pairs = list(losses), [len(source.rows) for source in sources]
    if len(set(pairs)) == 1:
        return torch.stack(given).mean()
    shares = [count / sum(pairs) for count in pairs]
    return torch.stack([share * loss for share, loss in zip(shares, given, strict=True)]).sum()


def share_of_pairs(sources: Iterable[PairedSource], windows: int) -> float | Tensor:
    """Give the share of so many windows that some source knows."""
    rows = [source.rows for source in sources]
    most = max(map(len, rows))
    if len(rows) == 1 or most == windows:
        return most / windows
    known = torch.zeros(windows, device=rows[0].device)
    for own in rows:
        known[own] = 1
    return known.mean()


def paired_sources(
    sources: Mapping[str, Source], rows: Tensor, labels: Tensor, pairing: Pairing
) -> dict[str, PairedSource]:
    """Pair a batch with frozen sources; one without a partner for any window is left out.

    ``rows`` (B,) are the batch's positions in the target's training windows, ``labels`` (B,) its
    activities.
    """
    paired: dict[str, PairedSource] = {}
    for name, source in sources.items():
        theirs = source.partners(rows, labels, pairing)
        ours = torch.nonzero(theirs >= 0)[:, 0]
        if len(ours):
            device = source.outputs.logits.device
            chosen = to_device(theirs[ours], device)
            outputs = Outputs(
                **{f.name: getattr(source.outputs, f.name)[chosen] for f in fields(Outputs)}
            )
            paired[name] = PairedSource(to_device(ours, device), outputs, source.known)
    return paired

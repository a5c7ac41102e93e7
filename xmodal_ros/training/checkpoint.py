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

"""Where the training of one classifier stands after an epoch: all that the next one depends on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
import json
from typing import Any, Final, Protocol

from safetensors import SafetensorError
from safetensors.torch import load, save
import torch
from torch import Tensor

from xmodal_ros.progress import EpochMetrics

_FACTS: Final = 'facts'


@dataclass(frozen=True, eq=False)
class TrainerState:
    """Tensors by name, how many steps were done, and what was measured after each epoch."""

    tensors: Mapping[str, Tensor]
    step: int
    history: tuple[EpochMetrics, ...]

    def part(self, prefix: str) -> dict[str, Tensor]:
        """Give the tensors whose names begin so, without that beginning."""
        return {
            name.removeprefix(prefix): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(prefix)
        }

    def to_bytes(self) -> bytes:
        """Give it in the safetensors format; whatever is no tensor is JSON in one."""
        facts = {
            'step': self.step,
            'history': [asdict(metrics) for metrics in self.history],
        }
        text = torch.frombuffer(bytearray(json.dumps(facts).encode()), dtype=torch.uint8)
        # Clones, for tensors may share memory, which the format cannot say.
        tensors = {name: t.detach().cpu().clone() for name, t in self.tensors.items()}
        return save({**tensors, _FACTS: text})


def load_state(content: bytes) -> TrainerState:
    """Read what :meth:`TrainerState.to_bytes` gave; raises ValueError where it is not that."""
    try:
        tensors = load(content)
        facts: Any = json.loads(bytes(tensors.pop(_FACTS).tolist()))
        return TrainerState(
            tensors,
            int(facts['step']),
            tuple(EpochMetrics(**metrics) for metrics in facts['history']),
        )
    except (SafetensorError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f'no state of a training run: {error}') from error


class CheckpointStore(Protocol):
    """Where the state of one fit is kept."""

    def load(self) -> TrainerState | None:
        """Give the state to go on from, None to begin."""

    def save(self, state: TrainerState) -> None:
        """Keep a state in the place of the one before."""


class NullCheckpointStore:
    """Keeps nothing."""

    def load(self) -> TrainerState | None:
        """Give nothing."""
        return None

    def save(self, state: TrainerState) -> None:
        """Let it go."""


def kept_nowhere(_number: int, _stage: str) -> CheckpointStore:
    """Give a store that keeps nothing, whichever fit it is for."""
    return NullCheckpointStore()

"""Where the training of one classifier stands after an epoch: all that the next one depends on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
import json
from typing import Any, Final, Protocol

from safetensors import SafetensorError
from safetensors.torch import load, save
import torch
from torch import Tensor

_FACTS: Final = 'facts'


@dataclass(frozen=True)
class EpochMetrics:
    """Where training stands after an epoch; losses are means over windows.

    That on validation is at the temperature that suits it best.
    """

    epoch: int
    training_loss: float
    validation_loss: float
    validation_accuracy: float
    parts: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class TrainerState:
    """Tensors by name, how many steps were done, and what was reported of each epoch.

    ``best_loss`` is the least validation loss, infinite as long as none was a number; it was
    that of ``best_epoch``.
    """

    tensors: Mapping[str, Tensor]
    step: int
    history: tuple[EpochMetrics, ...]
    best_loss: float
    best_epoch: int

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
            'history': [asdict(report) for report in self.history],
            'best_loss': self.best_loss,
            'best_epoch': self.best_epoch,
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
            tuple(EpochMetrics(**report) for report in facts['history']),
            float(facts['best_loss']),
            int(facts['best_epoch']),
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

"""What every transfer method is: a small object that turns a batch into a loss.

The training loop and the encoders know none of the methods by name. A new one is a file in this
package with a subclass of :class:`TransferMethod`; its ``name`` makes it available everywhere.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
import importlib
import pkgutil
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, ValidationError
import torch
from torch import Tensor

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.models.classifier import Outputs


class MethodOptions(BaseModel):
    """Options of a method; each method that has any extends it."""

    model_config = ConfigDict(frozen=True, extra='forbid')


@dataclass(frozen=True, eq=False)
class PairedSource:
    """A frozen source's outputs on those windows of a batch that it shares with the target.

    ``rows`` (P,) are the positions in the target's batch; row ``i`` of ``outputs`` belongs to
    ``rows[i]`` and ends at the same stamp. The outputs carry no gradients.
    """

    rows: Tensor
    outputs: Outputs


@dataclass(frozen=True)
class MethodTerms:
    """The loss to minimise, and its parts by name for the progress display."""

    loss: Tensor
    parts: Mapping[str, float]


class TransferMethod(ABC):
    """How the target learns. Subclasses set ``name``, and ``Options`` where they have any.

    ``needs_sources`` says whether the method makes sense with none.
    """

    name: ClassVar[str]
    Options: ClassVar[type[MethodOptions]] = MethodOptions
    needs_sources: ClassVar[bool] = True
    options: MethodOptions

    def __init_subclass__(cls) -> None:
        """Refuse a method that could not be chosen by name, when it is defined."""
        super().__init_subclass__()
        name = cls.__dict__.get('name')
        if not isinstance(name, str) or not name:
            raise TypeError(f'{cls.__qualname__} must set a name by which it can be chosen')
        if _METHODS.setdefault(name, cls).__qualname__ != cls.__qualname__:
            raise TypeError(f'{cls.__qualname__} and {_METHODS[name].__qualname__} share {name!r}')
        _METHODS[name] = cls

    @abstractmethod
    def __init__(self, options: Any) -> None:
        """Take options that are an instance of ``Options``."""

    @abstractmethod
    def terms(
        self, task_loss: Tensor, target: Outputs, sources: Mapping[str, PairedSource]
    ) -> MethodTerms:
        """Combine the target's own loss on a batch with what the sources teach.

        ``task_loss`` () is the cross-entropy over the batch. A source that shares no window with
        the batch is absent from ``sources``. It must draw no random numbers unless it needs them
        to learn: two methods that only differ by a weight of zero see the same batches.
        Raises :class:`ConfigurationError` when the outputs' shapes do not fit the method.
        """


_METHODS: Final[dict[str, type[TransferMethod]]] = {}


def _load() -> dict[str, type[TransferMethod]]:
    package = importlib.import_module(__package__)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f'{__package__}.{module.name}')
    return _METHODS


def method_names() -> tuple[str, ...]:
    """Give the names of all methods."""
    return tuple(sorted(_load()))


def make_method(name: str, options: Mapping[str, object] | None = None) -> TransferMethod:
    """Build a method by name; options may be text, as from a command line.

    Raises :class:`ConfigurationError` for an unknown name, option or value.
    """
    methods = _load()
    if name not in methods:
        raise ConfigurationError(
            f'there is no transfer method {name!r}: choose one of {", ".join(sorted(methods))}'
        )
    method = methods[name]
    try:
        chosen = method.Options.model_validate(dict(options or {}))
    except ValidationError as error:
        problem = error.errors()[0]
        known = ', '.join(method.Options.model_fields) or 'none'
        where = '.'.join(str(part) for part in problem['loc'])
        raise ConfigurationError(
            f'option {where!r} of method {name}: {problem["msg"]} (its options: {known})'
        ) from error
    return method(chosen)


def detached(loss: Tensor) -> float:
    """Give a loss as a number for display."""
    return float(loss.detach().to('cpu', torch.float64))

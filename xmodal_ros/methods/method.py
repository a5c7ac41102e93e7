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

"""What every transfer method is, and how one is found by its name.

The training loop and the encoders know none of the methods. One is a subclass of
:class:`TransferMethod` that a package, this one or another, names among its entry points of the
group ``xmodal_ros.methods``. Torch is not loaded here, but with a method.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import difflib
from typing import Any, ClassVar, Generic, Literal, Protocol, TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from xmodal_ros import registry
from xmodal_ros.errors import ConfigurationError

if TYPE_CHECKING:
    from xmodal_ros.methods.training_module import TrainingModule, TransferTask
    from xmodal_ros.methods.verdict import Judged, Unit, Verdict

# Whether a method wants its sources trained before it and frozen, or trains them itself.
SourceUse = Literal['none', 'frozen', 'joint']
Fitted = TypeVar('Fitted')
T = TypeVar('T')
Result = TypeVar('Result', covariant=True)


class MethodOptions(BaseModel):
    """Options of a method; each method that has any extends it."""

    model_config = ConfigDict(frozen=True, extra='forbid')


@dataclass(frozen=True)
class StepSchedule:
    """A schedule of a method's own: at most so many epochs of Adam, whose rate falls in steps.

    The rate is multiplied by ``decay`` every ``every`` epochs.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    decay: float
    every: int


class Pending(Protocol[Result]):
    """What may be done in another process meanwhile; or else when its result is asked for."""

    def result(self) -> Result:
        """Give what came of it, once; raises what was raised there."""

    def cancel(self) -> None:
        """Do without it."""


@dataclass(frozen=True, eq=False)
class Deferred(Generic[T]):
    """What is done by ``result``, when that is asked for."""

    result: Callable[[], T]

    def cancel(self) -> None:
        """Do without it: nothing has begun."""


class MethodTrainer(Protocol[Fitted]):
    """What a method's course may ask for.

    ``target`` is the sensor that learns, ``sources`` are those it was given.
    """

    @property
    def target(self) -> str:
        """The sensor that learns."""

    @property
    def sources(self) -> Sequence[str]:
        """The sensors to learn from."""

    def fit(
        self, method: 'TransferMethod', sources: Sequence[str], start: Fitted | None = None
    ) -> Fitted:
        """Train the target with a method, from fresh weights or from those of ``start``."""

    def submit_fit(self, method: 'TransferMethod', sources: Sequence[str]) -> Pending[Fitted]:
        """Let :meth:`fit` be done beside what comes next, where there is a process for it."""

    def validation_loss(self, fitted: Fitted) -> float:
        """Give the mean negative log-likelihood on validation windows, after calibration."""

    def skill(self, source: str) -> float:
        """Give by how much a source's mean recall on validation windows exceeds chance."""

    def average(self, taught: Fitted, other: Fitted) -> Fitted:
        """Give the mean of two targets' weights; all else is said of it as of ``taught``."""

    def folds(self, count: int) -> 'tuple[Unit, Sequence[FoldTrainer[Fitted]]]':
        """Hold out some of those who are learnt from, each once; says who or what they are."""

    def conclude(
        self, verdict: 'Verdict', alone: 'Sequence[Judged]', decided: 'Sequence[Judged]'
    ) -> None:
        """Keep what was decided with the result, and tell the user.

        ``alone`` and ``decided`` are what those held out, fold by fold, were answered by the
        target alone and by what was decided on.
        """

    def note(self, text: str) -> None:
        """Tell the user."""


class FoldTrainer(MethodTrainer[Fitted], Protocol[Fitted]):
    """A trainer that some are held out of, sources included, to judge by."""

    def judge(self, fitted: Fitted) -> 'Judged':
        """Let a target answer those held out, and give the macro-F1 of each."""

    def submit(self, work: 'Callable[[FoldTrainer[Any]], T]') -> Pending[T]:
        """Let work be done on this fold beside what comes next, where there is a process for it.

        It gets a trainer like this one that has trained nothing yet. It and what it gives are
        pickled.
        """


class TransferMethod(ABC):
    """How the target learns. Subclasses set ``name``, and ``Options`` where they have any.

    An instance holds options only; what is at work on one target is the
    :class:`~xmodal_ros.methods.training_module.TrainingModule` that :meth:`make_module` gives.
    """

    name: ClassVar[str]
    Options: ClassVar[type[MethodOptions]] = MethodOptions
    source_use: ClassVar[SourceUse] = 'frozen'
    one_process: ClassVar[bool] = False
    """Whether the target's forward pass has to see a step's windows all at once."""
    options: MethodOptions

    def __init_subclass__(cls, *, abstract: bool = False) -> None:
        """Refuse a method that could not be chosen by name, when it is defined."""
        super().__init_subclass__()
        if abstract:
            return
        name = cls.__dict__.get('name')
        if not isinstance(name, str) or not name:
            raise TypeError(f'{cls.__qualname__} must set a name by which it can be chosen')

    def __init__(self, options: Any) -> None:
        """Take options that are an instance of ``Options``."""
        self.options = options

    @property
    def needs_overlap(self) -> bool:
        """Whether a source must have been recorded together with the target."""
        return False

    @property
    def learns_unlabelled(self) -> bool:
        """Whether windows without a label, paired with those of sources, teach it anything."""
        return False

    @property
    def gives_pseudo_labels(self) -> bool:
        """Whether what a source decides of a window without a label may stand in for one.

        What is fitted in closed form beside the net then learns from these windows too.
        """
        return False

    @property
    def schedule(self) -> StepSchedule | None:
        """A schedule to use instead of the recipe's, or None."""
        return None

    @abstractmethod
    def make_module(self, task: 'TransferTask') -> 'TrainingModule':
        """Set to work on a target.

        May add a patch to the target and build modules of its own; the random numbers drawn here
        are a stream apart from the target's. Raises :class:`ConfigurationError` when the sources
        do not fit the method.
        """

    def train_target(self, trainer: MethodTrainer[Fitted]) -> Fitted:
        """Train the target, once unless a method says otherwise."""
        return trainer.fit(self, trainer.sources)


def method_names() -> tuple[str, ...]:
    """Give the names of all methods that are installed, sorted; none of them is imported."""
    return registry.names(registry.METHODS)


def method_class(name: str) -> type[TransferMethod]:
    """Import the method of a name; raises :class:`ConfigurationError` for an unknown one."""
    found = registry.load(registry.METHODS, name)
    if not (isinstance(found, type) and issubclass(found, TransferMethod) and found.name == name):
        raise registry.not_a(registry.METHODS, name, 'TransferMethod whose name', found)
    return found


def make_method(name: str, options: Mapping[str, object] | None = None) -> TransferMethod:
    """Build a method by name; options may be text, as from a command line.

    Raises :class:`ConfigurationError` for an unknown name, option or value.
    """
    method = method_class(name)
    try:
        chosen = method.Options.model_validate(dict(options or {}))
    except ValidationError as error:
        problem = error.errors()[0]
        known = ', '.join(method.Options.model_fields) or 'none'
        where = '.'.join(str(part) for part in problem['loc'])
        words = problem['msg']
        if problem['type'] == 'extra_forbidden':
            close = difflib.get_close_matches(where, method.Options.model_fields, n=1)
            words = f'there is none; did you mean {close[0]!r}?' if close else 'there is none'
        raise ConfigurationError(
            f'option {where!r} of method {name}: {words} (its options: {known})'
        ) from error
    return method(chosen)

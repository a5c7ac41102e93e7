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

"""Where a training run stands according to its events: what a node shows of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
import json
from typing import Final, Literal

from xmodal_ros.training.events import Event, Failed, Finished, Note, Progress, StageStarted

State = Literal['idle', 'training', 'cancelling', 'finished', 'failed', 'cancelled']
_NOTES_SHOWN: Final = 20


@dataclass(frozen=True)
class RunStatus:
    """A run of training, or that there is none.

    ``percent`` is of the ``stage``, ``eta_s`` when that ends in seconds from now; epochs, losses
    and ``eta_s`` are None where they are not known. ``bundle`` is where the result is or will be,
    ``scores`` are those of the test subjects, ``message`` says in words how it ended.
    """

    state: State = 'idle'
    bundle: str = ''
    stage: str = ''
    percent: float = 0.0
    epoch: int | None = None
    epochs: int | None = None
    loss: float | None = None
    validation_loss: float | None = None
    eta_s: float | None = None
    notes: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    message: str = ''

    @property
    def running(self) -> bool:
        """Whether a process is at work."""
        return self.state in ('training', 'cancelling')

    def after(self, event: Event) -> 'RunStatus':
        """Give the status after an event."""
        if isinstance(event, StageStarted):
            return replace(self.without_progress(), stage=event.stage)
        if isinstance(event, Progress):
            return replace(
                self,
                stage=event.stage,
                percent=round(100 * min(1.0, event.done / max(1, event.total)), 1),
                epoch=event.epoch,
                epochs=event.epochs,
                loss=event.loss,
                validation_loss=event.validation_loss,
                eta_s=event.eta_s,
            )
        if isinstance(event, Note):
            return replace(self, notes=(*self.notes, event.text))
        if isinstance(event, Finished):
            return replace(
                self.without_progress(),
                state='finished',
                percent=100.0,
                bundle=event.bundle,
                scores=event.scores,
                message=f'{event.bundle} is ready',
            )
        if isinstance(event, Failed):
            return replace(self.without_progress(), state='failed', message=event.message)
        return replace(self.without_progress(), state='cancelled', message=event.message)

    def without_progress(self) -> 'RunStatus':
        """Give it with nothing said of a stage."""
        return replace(
            self,
            stage='',
            percent=0.0,
            epoch=None,
            epochs=None,
            loss=None,
            validation_loss=None,
            eta_s=None,
        )

    @property
    def words(self) -> str:
        """Say it in a sentence."""
        if not self.running:
            return f'{self.state}: {self.message}' if self.message else self.state
        words = [f'{self.state} {self.bundle}', self.stage, f'{self.percent:.0f} %']
        if self.epoch is not None:
            words.append(f'epoch {self.epoch} of {self.epochs}')
        if self.eta_s is not None:
            words.append(f'{self.eta_s:.0f} s left')
        return ', '.join(filter(None, words))

    def as_json(self) -> str:
        """Give it as a JSON object, with the last of the notes."""
        return json.dumps({**asdict(self), 'notes': self.notes[-_NOTES_SHOWN:]}, allow_nan=False)

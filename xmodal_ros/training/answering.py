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

"""What answers with the target's net, and whether all of it is better for what that was taught."""

from collections.abc import Mapping
from typing import Protocol

from xmodal_ros.data.dataset import DatasetSplit
from xmodal_ros.methods.method import TransferMethod
from xmodal_ros.methods.verdict import UnitDifference
from xmodal_ros.training.ensemble import EncoderChoice, PseudoLabels
from xmodal_ros.training.pseudo_labels import make_pseudo_labels
from xmodal_ros.training.together import compare_together, overruled
from xmodal_ros.training.trainer import FitResult
from xmodal_ros.training.transfer_trainer import TransferTrainer


class ChooseFor(Protocol):
    """Chooses what answers beside a sensor's net."""

    def __call__(self, name: str, pseudo: PseudoLabels | None = None, /) -> EncoderChoice:
        """Choose it for the sensor of a name, which may learn from pseudo-labels."""


def choose_answering(
    method: TransferMethod,
    trainer: TransferTrainer,
    sets: Mapping[str, DatasetSplit],
    fitted: FitResult,
    choose_for: ChooseFor,
) -> tuple[FitResult, EncoderChoice]:
    """Choose what answers with the target's net, ``fitted``; gives both.

    Where all together is worse, beyond noise, than with a net and members that learnt alone, it
    is these that are given: that a source makes a net better is no reason to take it if what it
    stands beside gets worse by it.
    """
    pseudo = None
    if method.gives_pseudo_labels:
        pseudo = make_pseudo_labels(trainer, sets, fitted, choose_for)
    choice = choose_for(trainer.target, pseudo)
    found = _compared(trainer, choice)
    lost = found is not None and found.gain < -found.error
    alone = trainer.fit_alone_after_all(wanted=lost)
    if alone is None or found is None or trainer.verdict is None or trainer.judged is None:
        return fitted, choice
    without = trainer.judged[0]
    trainer.conclude(overruled(trainer.verdict, found), without, without)
    return alone, choose_for(trainer.target)


def _compared(trainer: TransferTrainer, choice: EncoderChoice) -> UnitDifference | None:
    if choice.held_out is None or trainer.judged is None:
        return None
    return compare_together(choice.held_out, *trainer.judged)

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

"""How windows are cut and how a classifier learns: the defaults, and what a user may choose."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from xmodal_ros import registry
from xmodal_ros.configuration.schema import by_name
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.imu.stream import AskedChannels
from xmodal_ros.models.configuration_encoder import Size
from xmodal_ros.windows.windowing import LONGEST_S, SHORTEST_S

Balance = Literal['weights', 'sampling', 'none']
TrainingPrecision = Literal['fp32', 'bf16', 'fp16']
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]

# The net of the modality, and what answers with it as people left out of training say.
AUTO: Final = 'auto'
DEFAULT_LENGTH_S: Final = 3.0
DEFAULT_HOP_S: Final = 0.5
# Of a first try: as many as show that all works, on any number of windows.
_QUICK_EPOCHS: Final = 2
QUICK_STEPS: Final = 50
_QUICK_PRETRAINING: Final = 2


def _encoders(chosen: Mapping[str, str]) -> Mapping[str, str]:
    """Refuse names that no modality or no encoder has."""
    try:
        for modality, encoder in chosen.items():
            registry.check(registry.MODALITIES, modality)
            if encoder != AUTO:
                registry.check(registry.ENCODERS, encoder)
    except ConfigurationError as error:
        raise ValueError(str(error)) from error
    return chosen


@dataclass(frozen=True)
class FitSettings:
    """How long and how fast a classifier learns.

    An epoch shows every window once, or several times where they fill fewer than ``least_steps``
    batches; there are no more whole ``epochs`` than hold ``most_steps``, and where one alone would
    take more it shows as many windows as these are enough for.
    ``patience`` epochs without a better validation loss end it early; ``averaging`` is the decay
    of the running mean of the weights, which is what is validated and kept.
    ``precision`` is that of the forward passes. ``balance`` says how activities that are shown
    less are made up for: by ``weights`` in the loss, by ``sampling`` windows, or not (``none``).
    Before all that it learns from windows alone for ``pretrain`` steps.
    """

    epochs: int = 40
    most_steps: int | None = 4000
    patience: int = 12
    batch_size: int = 64
    least_steps: int = 25
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    label_smoothing: float = 0.1
    averaging: float = 0.99
    precision: TrainingPrecision = 'fp32'
    balance: Balance = 'weights'
    pretrain: int = 0

    def changed(self, chosen: Mapping[str, Any]) -> Self:
        """Put what a user chose in the place of fields; so many epochs are no fewer for steps."""
        most_steps = None if 'epochs' in chosen else self.most_steps
        return replace(self, **{'most_steps': most_steps, **chosen})


class RecipeChoices(BaseModel):
    """What a user may choose about any sensor; None leaves the default of its modality.

    A field that is called as one of :class:`FitSettings` replaces that. Users know the fields by
    their aliases, code may give either.
    """

    model_config = ConfigDict(
        frozen=True, extra='forbid', allow_inf_nan=False, populate_by_name=True
    )

    length_s: Annotated[
        float,
        Field(
            alias='window',
            ge=SHORTEST_S,
            le=LONGEST_S,
            description='Length of a window in seconds.',
            json_schema_extra={'metavar': 'SECONDS'},
        ),
    ] = DEFAULT_LENGTH_S
    hop_s: Annotated[
        float,
        Field(
            alias='hop',
            gt=0,
            le=LONGEST_S,
            description='Time between labels in seconds.',
            json_schema_extra={'metavar': 'SECONDS'},
        ),
    ] = DEFAULT_HOP_S
    channels: Annotated[
        AskedChannels,
        Field(
            description="Of an IMU: 'acc_gyro', 'acc', or 'auto': the latter where its messages "
            'say that it has no gyro, else the former.'
        ),
    ] = 'auto'
    size: Annotated[Size, Field(description="Of the encoders: 'small', 'default' or 'large'.")] = (
        'default'
    )
    encoders: Annotated[
        dict[str, str],
        BeforeValidator(by_name),
        AfterValidator(_encoders),
        Field(
            alias='encoder',
            description="Which encoder the sensors of a modality get, by name; without, 'auto': "
            "the modality's own net, and beside it what people left out show to be worth having.",
            json_schema_extra={'metavar': 'MODALITY=ENCODER...'},
        ),
    ] = {}
    weights: Annotated[
        Path | None,
        Field(
            description='A file of pretrained weights, .safetensors or .pth, for an encoder that '
            "begins with some; without, those of the extra 'pretrained'.",
            json_schema_extra={'metavar': 'FILE'},
        ),
    ] = None
    quick: Annotated[
        bool,
        Field(
            description='Only try whether all works: no net learns for more than 100 steps, and '
            'members beside it from 500 windows. What it scores says little.'
        ),
    ] = False
    epochs: Annotated[
        Count | None,
        Field(
            description='At most so many passes over the windows, of nets that are compared too; '
            'without, by the modality, and fewer where windows are many.'
        ),
    ] = None
    patience: Annotated[
        Count | None,
        Field(
            description='Epochs without a better validation loss after which it ends; without, '
            'by the modality.',
            json_schema_extra={'metavar': 'EPOCHS'},
        ),
    ] = None
    batch_size: Annotated[
        Count | None,
        Field(
            description='Windows a step, over all processes together; without, by the modality.',
            json_schema_extra={'metavar': 'WINDOWS'},
        ),
    ] = None
    learning_rate: Annotated[
        float | None,
        Field(gt=0, le=1, description="The optimiser's highest rate; without, 0.002."),
    ] = None
    precision: Annotated[
        TrainingPrecision,
        Field(
            description="In which the forward passes compute: 'fp32', or mixed with 'bf16' or "
            "'fp16' where that is as good. Weights stay 'fp32'."
        ),
    ] = 'fp32'
    balance: Annotated[
        Balance,
        Field(
            description="For activities that are shown less than others: 'weights' makes each "
            "count the same in the loss, 'sampling' shows each as often, 'none' leaves them."
        ),
    ] = 'weights'
    pretrain: Annotated[
        int,
        Field(
            ge=0,
            le=1_000_000_000,
            description='Steps in which each net learns to tell windows apart, whatever they '
            'show, before it learns from labels; those without one are among them where they are '
            'learnt from.',
            json_schema_extra={'metavar': 'STEPS'},
        ),
    ] = 0

    def applied_to(self, settings: FitSettings) -> FitSettings:
        """Put what was chosen in the place of a modality's settings."""
        chosen = {each.name: getattr(self, each.name, None) for each in fields(FitSettings)}
        changed = settings.changed(
            {name: value for name, value in chosen.items() if value is not None}
        )
        if not self.quick:
            return changed
        # Both, for methods with a schedule of their own take as many epochs as there may be.
        return replace(
            changed,
            epochs=min(changed.epochs, _QUICK_EPOCHS),
            most_steps=QUICK_STEPS,
            pretrain=min(changed.pretrain, _QUICK_PRETRAINING),
        )

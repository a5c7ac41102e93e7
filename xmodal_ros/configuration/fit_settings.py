"""How long and how fast a classifier learns, and what a user may choose about it."""

from dataclasses import dataclass, replace

from xmodal_ros.configuration.training import Balance, TrainingPrecision
from xmodal_ros.modalities.imu.stream import ImuChannels
from xmodal_ros.models.configuration_encoder import Size


@dataclass(frozen=True)
class FitSettings:
    """How long and how fast a classifier learns.

    An epoch shows every window once, or several times where they fill fewer than ``least_steps``
    batches. ``patience`` epochs without a better validation loss end it early; ``averaging`` is
    the decay of the running mean of the weights, which is what is validated and kept.
    ``precision`` is that of the forward passes. ``balance`` says how activities that are shown
    less are made up for: by ``weights`` in the loss, by ``sampling`` windows, or not (``none``).
    """

    epochs: int = 40
    patience: int = 12
    batch_size: int = 64
    least_steps: int = 25
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    label_smoothing: float = 0.1
    averaging: float = 0.99
    precision: TrainingPrecision = 'fp32'
    balance: Balance = 'weights'


@dataclass(frozen=True)
class RecipeChoices:
    """What a user may choose about any sensor; None leaves the default."""

    length_s: float | None = None
    hop_s: float | None = None
    channels: ImuChannels = 'acc_gyro'
    epochs: int | None = None
    size: Size = 'default'
    patience: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    precision: TrainingPrecision = 'fp32'
    balance: Balance = 'weights'

    def settle(self, settings: FitSettings) -> FitSettings:
        """Put what was chosen in the place of a modality's settings."""
        chosen = {
            'epochs': self.epochs,
            'patience': self.patience,
            'batch_size': self.batch_size,
            'learning_rate': self.learning_rate,
            'precision': self.precision,
            'balance': self.balance,
        }
        return replace(
            settings,
            **{name: value for name, value in chosen.items() if value is not None},  # type: ignore[arg-type]
        )

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

"""Configurations of small training runs, and these runs."""

from pathlib import Path
from typing import Final

from xmodal_ros.configuration.training import TrainingConfiguration
from xmodal_ros.progress import ProgressReporter
from xmodal_ros.training.result import TrainingResult
from xmodal_ros.training.train import train

_NETS: Final = (
    ('imu', 'imu', 'imu_cnn'),
    ('camera', 'camera', 'camera_cnn'),
    ('microphone', 'audio', 'audio_bcresnet'),
)


def configure(*bags: Path, **changes: object) -> TrainingConfiguration:
    """Ask for an epoch on windows that are kept in memory; ``changes`` are taken unchecked.

    A target whose modality is known gets a net alone, and all steps are small ones: these take
    least time.
    """
    target = str(changes.get('target', 'imu'))
    asked = TrainingConfiguration(
        bags=bags,
        target='imu',
        test_subjects=('3',),
        out=Path('bundle'),
        length_s=2.0,
        epochs=1,
        batch_size=16,
        device='cpu',
        no_cache=True,
        encoders={modality: net for name, modality, net in _NETS if name == target},
    )
    return asked.model_copy(update=changes)


def train_into(
    out: Path,
    config: TrainingConfiguration,
    reporter: ProgressReporter | None = None,
    *,
    resume: bool = False,
) -> TrainingResult:
    """Train as asked and write the bundle at ``out``."""
    return train(config.model_copy(update={'out': out, 'resume': resume}), reporter)

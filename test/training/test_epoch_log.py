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

"""A log that cannot be written is told, and costs no training."""

import os
from pathlib import Path

import pytest

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.progress import EpochMetrics
from xmodal_ros.training.epoch_log import epoch_logger


def epoch(number: int) -> EpochMetrics:
    return EpochMetrics(number, 0.5 / number, 0.25, 0.75, {'relation': 0.125})


def redirect(descriptor: int, device: str) -> None:
    opened = os.open(device, os.O_WRONLY)
    os.dup2(opened, descriptor)
    os.close(opened)


def test_a_disk_that_gets_full_is_told_once_and_the_run_has_all_epochs(tmp_path: Path) -> None:
    notes: list[str] = []
    with epoch_logger(notes.append, tmp_path / 'logs' / 'log.csv') as logger:
        logger.log('imu', epoch(1))
        (descriptor,) = (
            int(each.name)
            for each in Path('/proc/self/fd').iterdir()
            if each.is_symlink() and each.readlink() == tmp_path / 'logs' / 'log.csv'
        )
        redirect(descriptor, '/dev/full')
        logger.log('imu', epoch(2))
        logger.log('imu', epoch(3))
        redirect(descriptor, os.devnull)
    (note,) = notes
    assert 'the log is not written any further' in note
    assert 'No space left' in note
    header, *rows = logger.text().splitlines()
    assert header == 'stage,epoch,training_loss,validation_loss,validation_accuracy,parts'
    assert rows[1] == 'imu,2,0.25,0.25,0.75,relation=0.125'
    assert len(rows) == 3
    assert (tmp_path / 'logs' / 'log.csv').read_text().splitlines() == [header, rows[0]]


def test_a_log_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    with (
        pytest.raises(ConfigurationError, match=r'the log cannot be written to .*log\.csv'),
        epoch_logger(print, tmp_path / 'file' / 'log.csv'),
    ):
        pass

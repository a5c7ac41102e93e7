"""Recordings that the tests of training share; nothing may be written beside them."""

from pathlib import Path

import pytest

from test.training.paired_bags import write_subjects


@pytest.fixture(scope='session')
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three subjects with an IMU and a camera, each activity four times."""
    return write_subjects(tmp_path_factory.mktemp('recordings'))

"""One small set of simulated bags for all tests that only read it."""

from pathlib import Path

import pytest

from xmodal_ros.simulator.simulate import plan_recordings, simulate


@pytest.fixture(scope='session')
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the bags of two people, one minute each."""
    folder = tmp_path_factory.mktemp('simulated')
    simulate(folder, plan_recordings(2, 1.0, 0))
    return folder

"""The example packages work beside this one as they would when installed."""

import os
from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.parent for path in (ROOT / 'examples').glob('*/package.xml'))


@pytest.mark.timeout(600)
@pytest.mark.parametrize('package', PACKAGES, ids=lambda path: path.name)
def test_an_example_passes_its_own_tests(package: Path, tmp_path: Path) -> None:
    # What an installation adds to the path: the package, and the metadata with its entry points.
    subprocess.run(
        [sys.executable, 'setup.py', '-q', 'egg_info', '--egg-base', str(tmp_path)],
        cwd=package,
        check=True,
        timeout=60,
    )
    path = os.pathsep.join([str(tmp_path), str(package), os.environ.get('PYTHONPATH', str(ROOT))])
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', str(package / 'test')],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': path},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]

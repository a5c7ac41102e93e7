"""What rows measure with: simulated recordings, and bundles that were trained on them.

Everything is made once a run, in the folder that each row is given.
"""

from pathlib import Path
import subprocess
import sys
from typing import Final

from benchmarks.harness import once

SUBJECTS: Final = 4
MINUTES: Final = 3
SENSORS: Final = {'imu': 'imu_wrist', 'camera': 'camera', 'audio': 'microphone'}
"""The sensor of the recordings that each modality's bundle is of."""


def recordings(folder: Path) -> list[Path]:
    """Give simulated recordings of people, with IMUs, camera and microphone, mcap and labelled."""

    def simulate(path: Path) -> None:
        xmodal('simulate', path, '--subjects', SUBJECTS, '--minutes', MINUTES)

    return sorted(each.parent for each in once(folder / 'recordings', simulate).glob('*/*.yaml'))


def bundle(folder: Path, modality: str) -> Path:
    """Give a bundle with the net that is trained by default, after few steps of training."""
    bags = recordings(folder)

    def train(path: Path) -> None:
        xmodal(
            *('train', *bags, '--target', SENSORS[modality], '--out', path, '--no-cache'),
            *('--test-subjects', bags[-1].name, '--epochs', 1, '--least-steps', 1),
            *('--encoder', f'{modality}={_ENCODERS[modality]}'),
        )

    return once(folder / 'bundles' / modality, train)


_ENCODERS: Final = {'imu': 'imu_cnn', 'camera': 'camera_cnn', 'audio': 'audio_bcresnet'}


def xmodal(*words: object) -> None:
    """Run the command; raises :class:`subprocess.CalledProcessError` where it fails."""
    command = [sys.executable, '-m', 'xmodal_ros.cli.entry', *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

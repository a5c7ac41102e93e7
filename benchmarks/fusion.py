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

"""Does fusing sensors help, or does a poor one spoil a good one? UTD-MHAD, logistic regressions.

For every pair of sensors and all three: accuracy on subjects that were not trained on, of the best
one alone, of the mean and the product of their probabilities, and of the selector's fusion, whose
weights are accuracies on folds of the training subjects. Both halves of the subjects are trained
on in turn; the published protocol is the first (train 1 3 5 7, test 2 4 6 8). The rule of fusion
was chosen with simulated classifiers and the first half; the second half had no part in it.

    python benchmarks/fusion.py [--data FOLDER] [--json FILE]

The folder (by default ../shared/data, or where XMODAL_DATA points) holds utd_mhad/. Fails where
the fusion is below the best sensor by more than two standard errors of the paired difference.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
import json
import os
from pathlib import Path
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xmodal_ros.runtime.fusion import fuse, Opinion

HALVES = ((1, 3, 5, 7), (2, 4, 6, 8))
GROUPS = (
    ('imu', 'depth'),
    ('imu', 'skeleton'),
    ('skeleton', 'depth'),
    ('imu', 'skeleton', 'depth'),
)
_SEGMENTS = 8
_BLOCK = 5

Array = NDArray[Any]


@dataclass(frozen=True)
class Clips:
    """Window statistics of each sensor (N, F), actions (N,) and subjects (N,)."""

    features: dict[str, Array]
    actions: Array
    subjects: Array


@dataclass(frozen=True)
class Row:
    """Accuracies of one group of sensors on the test subjects."""

    trained_on: tuple[int, ...]
    sensors: tuple[str, ...]
    best_single: float
    mean: float
    product: float
    fused: float
    difference: float
    standard_error: float

    @property
    def worse(self) -> bool:
        """Whether fusing costs more than chance explains."""
        return self.difference < -2 * self.standard_error


def read_clips(folder: Path) -> Clips:
    """Read UTD-MHAD and summarise each clip: mean and deviation of eight segments."""
    body = np.load(folder / 'utd_mhad_imu_skel.npz')
    video = np.load(folder / 'utd_mhad_depth_fullrate_60x80.npz')
    assert (video['key'][:, 0] == body['action']).all()
    return Clips(
        {
            'imu': _statistics(body['imu'], body['imu_len']),
            'skeleton': _statistics(body['skel'], body['skel_len']),
            'depth': _statistics(_coarse(video['depth']), video['length']),
        },
        body['action'],
        body['subject'],
    )


def _coarse(frames: Array) -> Array:
    """Average blocks of pixels: (F, 60, 80) to (F, 12, 16)."""
    count, height, width = frames.shape
    blocks = frames.reshape(count, height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    means: Array = blocks.mean((2, 4), dtype=np.float32)
    return means


def _statistics(samples: Array, lengths: Array) -> Array:
    clips = np.split(samples.reshape(len(samples), -1), np.cumsum(lengths)[:-1])
    return np.stack(
        [
            np.concatenate(
                [
                    f(part, axis=0)
                    for part in np.array_split(clip, _SEGMENTS)
                    for f in (np.mean, np.std)
                ]
            )
            for clip in clips
        ]
    )


def predict(features: Array, actions: Array, asked: Array) -> Array:
    """Learn from some clips and give the probabilities (N, K) of others."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    chances: Array = model.fit(features, actions).predict_proba(asked)
    return chances


def accuracy(chances: Array, actions: Array) -> float:
    """The share of clips whose likeliest action is theirs."""
    return float(right(chances, actions).mean())


def right(chances: Array, actions: Array) -> Array:
    """Tell of each clip whether its likeliest action, counted from 1, is its own."""
    hits: Array = np.equal(chances.argmax(1) + 1, actions)
    return hits


def accuracy_in_folds(features: Array, actions: Array, subjects: Array) -> float:
    """Leave each training subject out in turn; the mean accuracy on those left out."""
    shares = []
    for subject in np.unique(subjects):
        left_out = subjects == subject
        chances = predict(features[~left_out], actions[~left_out], features[left_out])
        shares.append(accuracy(chances, actions[left_out]))
    return float(np.mean(shares))


def compare(clips: Clips, trained_on: Sequence[int]) -> list[Row]:
    """Compare all groups of sensors, trained on some subjects, on the others."""
    train = np.isin(clips.subjects, trained_on)
    truth = clips.actions[~train]
    chances, weights = {}, {}
    for sensor, features in clips.features.items():
        known = features[train], clips.actions[train]
        chances[sensor] = predict(*known, features[~train])
        weights[sensor] = accuracy_in_folds(*known, clips.subjects[train])
    rows = []
    for group in GROUPS:
        stacked = np.stack([chances[sensor] for sensor in group])
        best = max((chances[sensor] for sensor in group), key=lambda each: accuracy(each, truth))
        fused = fuse_rows(stacked, [weights[sensor] for sensor in group])
        gains = right(fused, truth).astype(float) - right(best, truth)
        rows.append(
            Row(
                tuple(trained_on),
                group,
                accuracy(best, truth),
                accuracy(stacked.sum(0), truth),
                accuracy(np.log(stacked + 1e-12).sum(0), truth),
                accuracy(fused, truth),
                float(gains.mean()),
                float(gains.std(ddof=1) / np.sqrt(len(gains))),
            )
        )
    return rows


def fuse_rows(chances: Array, weights: Sequence[float]) -> Array:
    """Fuse (S, N, K) probabilities as the selector does."""
    names = [str(k) for k in range(chances.shape[2])]
    rows = []
    for clip in chances.transpose(1, 0, 2):
        opinions = [
            Opinion(dict(zip(names, each.tolist(), strict=True)), weight)
            for each, weight in zip(clip, weights, strict=True)
        ]
        together = fuse(opinions)
        rows.append([together[name] for name in names])
    return np.array(rows)


def main() -> int:
    """Print the table; 1 where the fusion is worse than the best sensor."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0])
    beside = Path(__file__).parents[1].parent / 'shared' / 'data'
    parser.add_argument(
        '--data', type=Path, default=Path(os.environ.get('XMODAL_DATA', beside)), help='folder'
    )
    parser.add_argument('--json', type=Path, help='write the figures here')
    options = parser.parse_args()
    folder = options.data / 'utd_mhad'
    if not folder.is_dir():
        print(f'no UTD-MHAD at {folder}: give --data or set XMODAL_DATA', file=sys.stderr)
        return 1
    clips = read_clips(folder)
    rows = [row for half in HALVES for row in compare(clips, half)]
    table = Table(
        'trained on', 'sensors', 'best alone', 'mean', 'product', 'fused', 'fused - best'
    )
    for row in rows:
        figures = (row.best_single, row.mean, row.product, row.fused)
        subjects = ' '.join(map(str, row.trained_on))
        gain = f'{row.difference:+.3f} ± {row.standard_error:.3f}'
        columns = [f'{each:.3f}' for each in figures]
        table.add_row(subjects, ', '.join(row.sensors), *columns, gain)
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + '\n')
    return 1 if any(row.worse for row in rows) else 0


if __name__ == '__main__':
    sys.exit(main())

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

"""Is a net worth its while? A Random Forest and a logistic regression on window statistics.

    python benchmarks/window_statistics.py BAG... --target SENSOR --test-subjects A B... [--json F]
        [--channels acc] [--hop SECONDS] [--seed N]

They learn from the windows and are scored on the subjects that ``xmodal train`` would use with the
same arguments, so the figures stand beside its own. They are for comparison: no bundle is written.
"""

import argparse
from collections.abc import Sequence
import json
from pathlib import Path
import sys
from typing import get_args

from rich.console import Console
from rich.table import Table

from xmodal_ros.configuration.fit_settings import DEFAULT_HOP_S
from xmodal_ros.configuration.training import TrainingConfiguration
from xmodal_ros.data.datamodule import DataModule, prepare_data
from xmodal_ros.data.recording import load_recording
from xmodal_ros.data.window_split import select_test_windows
from xmodal_ros.metrics.scores import score, Scores
from xmodal_ros.progress import NullReporter
from xmodal_ros.training.window_statistics import StatisticsBaseline, StatisticsModel


def scores_of(material: DataModule, target: str, model: StatisticsModel, seed: int) -> Scores:
    """Learn from the training windows and score the test subjects' windows."""
    recipe, examples = material.recipes[target], material.sets[target]
    baseline = StatisticsBaseline(
        model, recipe.derived, examples.learnt(with_validation=True), len(material.labels), seed
    )
    cut_specs = {target: (recipe.stream, recipe.window)}
    recordings = [load_recording(facts, cut_specs) for facts in material.test]
    test = select_test_windows(recordings, target, recipe.window.hop_ns)
    chances = baseline.probabilities(test.values)
    return score(material.labels, chances, test.truth, test.clips)


def main(arguments: Sequence[str]) -> None:
    """Read the arguments, train both and print their scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('bags', nargs='+', type=Path)
    parser.add_argument('--target', required=True)
    parser.add_argument('--test-subjects', nargs='+', required=True)
    parser.add_argument('--channels', choices=('acc_gyro', 'acc'), default='acc_gyro')
    parser.add_argument('--hop', type=float, default=DEFAULT_HOP_S)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--json', type=Path)
    chosen = parser.parse_args(arguments)
    configuration = TrainingConfiguration(
        bags=tuple(chosen.bags),
        target=chosen.target,
        test_subjects=tuple(chosen.test_subjects),
        # Nothing is written there.
        out=Path('bundle'),
        seed=chosen.seed,
        channels=chosen.channels,
        hop_s=chosen.hop,
        no_cache=True,
    )
    material = prepare_data(configuration, NullReporter())
    table = Table('model', 'macro-F1 per clip', 'per window')
    result: dict[str, object] = {'target': chosen.target, 'seed': chosen.seed}
    for model in get_args(StatisticsModel):
        scores = scores_of(material, chosen.target, model, chosen.seed)
        table.add_row(model, f'{scores.macro_f1:.3f}', f'{scores.macro_f1_window:.3f}')
        result[model] = {
            'macro_f1': scores.macro_f1,
            'macro_f1_window': scores.macro_f1_window,
            'clips': scores.clips,
            'windows': scores.windows,
        }
    Console().print(table)
    if chosen.json:
        chosen.json.write_text(json.dumps(result, indent=2) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main(sys.argv[1:])

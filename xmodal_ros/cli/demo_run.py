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

"""What ``xmodal demo`` does, apart from its options."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xmodal_ros.bags.opening import find_recordings
from xmodal_ros.cli.evaluate_run import EvaluationSettings
from xmodal_ros.cli.evaluate_run import run as run_evaluation
from xmodal_ros.cli.import_ import utd_mhad
from xmodal_ros.cli.simulate import simulate
from xmodal_ros.cli.train_run import run as run_training
from xmodal_ros.configuration.training import make_configuration
from xmodal_ros.evaluation.scoring import Evaluation
from xmodal_ros.methods.unimodal import Unimodal
from xmodal_ros.methods.verdict import Verdict
from xmodal_ros.methods.xmodal import Xmodal
from xmodal_ros.training.checkpoint_store import checkpoint_folder, clear

_SUBJECTS, _MINUTES = 6, 3.0
# Few enough to wait for: simulated people are learnt quickly. Real ones get the defaults.
_SIMULATED_EPOCHS = 12


@dataclass(frozen=True)
class _Recordings:
    folder: Path
    target: str
    source: str
    test_subjects: tuple[str, ...]
    epochs: int | None = None


def run(out: Path, data: Path | None, seed: int) -> None:
    """Make or find the recordings, train twice, evaluate both models, live as well."""
    console = Console(stderr=True)
    console.rule('1. recordings')
    recordings = _simulated(out, seed) if data is None else _imported(out, data)
    evaluations: dict[str, Evaluation] = {}
    reports: list[Path] = []
    verdict: Verdict | None = None
    for number, method in enumerate((Unimodal.name, Xmodal.name)):
        name = f'{recordings.folder.name}_{recordings.target}_{method}'
        alone = method == Unimodal.name
        learns = 'alone' if alone else f'with {recordings.source} to learn from (xmodal)'
        console.rule(f'{2 + 2 * number}. train {recordings.target} {learns}')
        bundle = out / 'models' / name
        if (left := checkpoint_folder(bundle)).is_dir():
            # It takes so little time that it begins anew.
            clear(left)
        trained = run_training(
            make_configuration(
                {
                    'bags': [recordings.folder],
                    'target': recordings.target,
                    'test_subjects': recordings.test_subjects,
                    'out': bundle,
                    'source': () if alone else (recordings.source,),
                    'method': method,
                    'epochs': recordings.epochs,
                    'seed': seed,
                    'json': out / 'results' / f'{name}_training.json',
                }
            ),
            resumable=False,
        )
        verdict = trained.verdict if trained else None
        console.rule(f'{3 + 2 * number}. play the test subjects to the live node')
        report = out / 'reports' / f'{name}.html'
        reports.append(report)
        evaluations[learns] = run_evaluation(
            EvaluationSettings(
                bundles=(bundle,),
                bags=find_recordings([recordings.folder]),
                live=True,
                show_labels=True,
                html=report,
                json=out / 'results' / f'{name}.json',
            )
        ).evaluations[0]
    console.rule('result')
    _summarise(recordings, evaluations, console)
    if verdict is not None:
        console.print(f'in training: [bold]{escape(verdict.sentence)}[/]', soft_wrap=True)
    for report in reports:
        console.print(f'look at [bold]{report}[/] in a browser', soft_wrap=True)


def _simulated(out: Path, seed: int) -> _Recordings:
    folder = out / 'recordings' / 'simulated'
    # Bags made with other parameters, by an older version say, are ours to replace.
    simulate(folder, subjects=_SUBJECTS, minutes=_MINUTES, seed=seed, force=True)
    test_subjects = ('subject_05', 'subject_06')
    return _Recordings(folder, 'imu_wrist', 'camera', test_subjects, _SIMULATED_EPOCHS)


def _imported(out: Path, data: Path) -> _Recordings:
    folder = out / 'recordings' / 'utd_mhad'
    utd_mhad(data / 'utd_mhad', folder)
    return _Recordings(folder, 'imu', 'camera', ('2', '4', '6', '8'))


def _summarise(
    recordings: _Recordings, evaluations: dict[str, Evaluation], console: Console
) -> None:
    table = Table(
        title=f'{recordings.target}, people it has not met: {", ".join(recordings.test_subjects)}'
    )
    for heading in ('learnt', 'macro-F1 per clip', 'per window', 'live and offline'):
        table.add_column(heading)
    for learns, evaluation in evaluations.items():
        scores, agreement = evaluation.scores, evaluation.agreement
        table.add_row(
            learns,
            f'{scores.macro_f1:.3f}' if scores else '',
            f'{scores.macro_f1_window:.3f}' if scores else '',
            f'equal at {agreement.compared} stamps' if agreement else '',
        )
    console.print(table)
    console.print('one seed and two people do not compare methods: that takes several of both')

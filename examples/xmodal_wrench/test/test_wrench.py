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

"""The package keeps what xmodal_ros asks of modalities, encoders and methods, and trains."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.cli.main import app
from xmodal_ros.contract.encoders import check_encoder
from xmodal_ros.contract.methods import check_method
from xmodal_ros.contract.modalities import check_modality
from xmodal_ros.media.reading import read_media
from xmodal_ros.media.span import Span
from xmodal_ros.methods.method import make_method
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.models.configuration_encoder import encoder_class
from xmodal_ros.streams.sample import Sample

START_NS = 1_700_000_000_000_000_000
RATE_HZ = 100


def forces(seconds: int, pushes: bool, seed: int) -> np.ndarray:
    """Somebody who stands on a plate, or pushes on it twice a second."""
    times = np.arange(seconds * RATE_HZ) / RATE_HZ
    values = np.random.default_rng(seed).normal(0, 0.5, (len(times), 6))
    values[:, 2] -= 600 + (80 * np.sin(4 * np.pi * times) if pushes else 0)
    return values


def test_the_modality_keeps_what_all_must() -> None:
    wrench = find_modality('wrench')
    stream = wrench.Stream()
    messages = [
        wrench.serialize(Sample(START_NS + n * 10_000_000, 'plate', values), stream)
        for n, values in enumerate(forces(4, True, 0))
    ]
    check_modality(wrench, messages)


def test_the_encoder_keeps_what_all_must() -> None:
    check_encoder(encoder_class('gru')())


def test_the_method_keeps_what_all_must() -> None:
    check_method(make_method('feature_mse'))


@pytest.fixture(scope='module')
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people on a plate: a table and labels each, imported by the command."""
    folder = tmp_path_factory.mktemp('plates')
    for number in range(3):
        table, labels = folder / f'{number}.csv', folder / f'{number}_labels.csv'
        values = np.concatenate(
            [forces(8, bool(part % 2), 10 * number + part) for part in range(6)]
        )
        with table.open('w', newline='') as file:
            writer = csv.writer(file)
            writer.writerow(['time', 'fx', 'fy', 'fz', 'tx', 'ty', 'tz'])
            writer.writerows([n / RATE_HZ, *row] for n, row in enumerate(values.tolist()))
        spans = [f'{8 * part},{8 * part + 8},{("stand", "push")[part % 2]}' for part in range(6)]
        labels.write_text('\n'.join(['start,end,label', *spans]))
        command(
            *('import', 'files', folder / 'bags' / f'person_{number}'),
            *('--subject', f'person_{number}', '--file', f'wrench={table}', '--labels', labels),
        )
    return folder / 'bags'


def command(*words: object) -> None:
    done = CliRunner().invoke(app, [*map(str, words)])
    assert done.exit_code == 0, f'{done.output}{done.exception!r}'


def test_forces_and_torques_are_drawn(recordings: Path) -> None:
    with BagReader(recordings / 'person_0') as reader:
        media = read_media(reader, Span(reader.start_ns, reader.end_ns), 100_000)
    assert not media.missing
    force, torque = media.traces
    assert (force.quantity, force.unit, torque.quantity) == ('force', 'N', 'torque')
    weight = -600.0
    assert np.nanmedian(force.high[2]) == pytest.approx(weight, abs=20)
    assert np.nanmedian(torque.high[2]) == pytest.approx(0, abs=5)


def test_a_model_is_trained_and_evaluated(recordings: Path, tmp_path: Path) -> None:
    command(
        *('train', recordings, '--target', 'wrench', '--test-subjects', 'person_2'),
        *('--epochs', 4, '--window', 2, '--no-cache', '--out', tmp_path / 'wrench'),
        *('--json', tmp_path / 'result.json'),
    )
    assert json.loads((tmp_path / 'result.json').read_text())['macro_f1'] > 0.9
    document = json.loads((tmp_path / 'wrench' / 'bundle.json').read_text())
    assert (document['stream']['modality'], document['encoder']['kind']) == ('wrench', 'gru')
    command(
        *('evaluate', tmp_path / 'wrench', recordings / 'person_2'),
        *('--robustness', 'drift', '--json', tmp_path / 'evaluation.json'),
    )
    assert 'drift' in (tmp_path / 'evaluation.json').read_text()

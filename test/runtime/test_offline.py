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

"""A bundle over a recording decides as the robot would, however the recording's sensors sat."""

from pathlib import Path

import pytest

from test.bundles import make_imu_bundle
from test.recordings import clips, write_imu_bag
from test.turned_bags import record_turned
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.runtime import offline
from xmodal_ros.runtime.engine import Engine, Prediction
from xmodal_ros.runtime.offline import BagPredictions, classify_bag


def predictions(bundle: Path, bag: Path) -> tuple[Prediction, ...]:
    with BagReader(bag) as reader:
        return classify_bag(Engine(load_bundle(bundle)), reader, reader.sensor('imu')).predictions


def test_an_upside_down_imu_that_is_declared_gives_the_decisions_of_an_upright_one(
    tmp_path: Path,
) -> None:
    bundle = make_imu_bundle(tmp_path / 'bundle')
    upright = write_imu_bag(tmp_path / 'upright', clips(['sit', 'walk', 'wave']))
    expected = predictions(bundle, upright)
    assert len(expected) > 20
    assert predictions(bundle, record_turned(tmp_path / 'turned', upright)) == expected
    silent = record_turned(tmp_path / 'silent', upright, declared=False)
    assert predictions(bundle, silent) != expected


@pytest.mark.parametrize(('name', 'value'), [('_IN_A_ROW', 1), ('_MOST_WAITING', 0)])
def test_it_does_not_matter_how_many_windows_are_classified_in_a_row(
    name: str, value: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(load_bundle(make_imu_bundle(tmp_path / 'bundle')))
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit', 'walk', 'wave']))

    def found() -> tuple[BagPredictions, int]:
        told: list[int] = []
        with BagReader(bag) as reader:
            given = classify_bag(engine, reader, reader.sensor('imu'), told.append)
        assert told == sorted(told)
        assert len(told) == len(given.due_ns) == len(given.predictions)
        return given, len(set(told))

    many, fewer = found()
    monkeypatch.setattr(offline, name, value)
    each, more = found()
    assert each == many
    assert len(many.predictions) > 20
    # Several of them were waited for.
    assert more > fewer

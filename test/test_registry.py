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

"""What other packages add is found by the entry points that they declare."""

from collections.abc import Iterator
import importlib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from xmodal_ros import registry
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.method import make_method
from xmodal_ros.modalities import registry as modality_registry
from xmodal_ros.modalities.registry import find_modality, modality_of_type


def install(folder: Path, package: str, group: str, **declared: str) -> None:
    """Lay out what pip leaves of a package that declares entry points."""
    metadata = folder / f'{package}-1.0.dist-info'
    metadata.mkdir()
    (metadata / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n')
    rows = [f'{name} = {value}' for name, value in declared.items()]
    (metadata / 'entry_points.txt').write_text('\n'.join([f'[{group}]', *rows, '']))


def forget() -> None:
    registry._declared.cache_clear()
    registry.entries.cache_clear()
    registry._import.cache_clear()
    modality_registry.find_modality.cache_clear()
    modality_registry._by_message_type.cache_clear()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of further packages."""
    monkeypatch.syspath_prepend(tmp_path)
    forget()
    yield tmp_path
    forget()


def test_what_another_package_declares_stands_beside_what_this_one_does(site: Path) -> None:
    ours = registry.names(registry.METHODS)
    forget()
    install(site, 'others', registry.METHODS, another='json:dumps')
    assert registry.names(registry.METHODS) == tuple(sorted((*ours, 'another')))
    assert registry.load(registry.METHODS, 'another')({}) == '{}'


def test_the_metadata_of_packages_is_read_once_for_all_groups(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading: list[int] = []

    def read() -> object:
        reading.append(1)
        return entry_points()

    monkeypatch.setattr(registry, 'entry_points', read)
    for group in (registry.MODALITIES, registry.ENCODERS, registry.METHODS, registry.LANES):
        assert registry.names(group)
    assert len(reading) == 1


def test_two_packages_cannot_share_a_name(site: Path) -> None:
    install(site, 'others', registry.METHODS, dcat='json:dumps')
    with pytest.raises(ConfigurationError, match=r"two packages declare .* method 'dcat'.*json"):
        registry.names(registry.METHODS)


def test_a_name_that_nobody_declares_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match=r"no transfer method 'dact': .*mean 'dcat'\?"):
        registry.load(registry.METHODS, 'dact')


@pytest.mark.parametrize('declared', ['no_such_module:Thing', 'json:no_such_name'])
def test_a_package_that_cannot_be_imported_is_named(site: Path, declared: str) -> None:
    install(site, 'others', registry.METHODS, another=declared)
    with pytest.raises(
        ConfigurationError, match=r"'another' of others cannot be loaded: .*no_such"
    ):
        registry.load(registry.METHODS, 'another')


@pytest.mark.parametrize('declared', ['Dcat', 'DcatOptions'])
def test_an_entry_point_that_is_no_method_of_that_name_is_refused(
    site: Path, declared: str
) -> None:
    install(site, 'others', registry.METHODS, another=f'xmodal_ros.methods.dcat:{declared}')
    with pytest.raises(ConfigurationError, match="TransferMethod whose name is 'another', not"):
        make_method('another')


def test_a_package_that_fails_when_it_is_imported_is_named(site: Path) -> None:
    (site / 'failing.py').write_text("raise TypeError('wrong in some way')\n")
    install(site, 'others', registry.METHODS, another='failing:Thing')
    with pytest.raises(ConfigurationError, match='others cannot be loaded: wrong in some way'):
        registry.load(registry.METHODS, 'another')


def test_an_entry_point_that_is_no_modality_of_that_name_is_refused(site: Path) -> None:
    install(site, 'others', registry.MODALITIES, radar='xmodal_ros.modalities.imu.modality:Imu')
    with pytest.raises(ConfigurationError, match="Modality whose name is 'radar', not"):
        find_modality('radar')


def test_two_modalities_that_take_the_same_topics_are_refused(site: Path) -> None:
    (site / 'second_imu.py').write_text(
        'from xmodal_ros.modalities.imu.modality import Imu\n'
        'class Stream(Imu.Stream):\n'
        "    modality: str = 'second'\n"
        'class Second(Imu):\n'
        "    name, Stream = 'second', Stream\n"
    )
    install(site, 'others', registry.MODALITIES, second='second_imu:Second')
    with pytest.raises(ConfigurationError, match="'imu' and 'second' both take every topic"):
        modality_of_type('sensor_msgs/msg/Imu')


def test_an_option_that_a_method_does_not_have_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match=r"'wight' .*: there is none; .*mean 'weight'\?"):
        make_method('feature_cosine', {'wight': 1})


def test_what_editors_leave_beside_code_is_no_code(site: Path) -> None:
    package = site / 'edited_elsewhere'
    package.mkdir()
    (package / '__init__.py').write_text('class Thing: ...\n')
    thing = importlib.import_module('edited_elsewhere').Thing
    before = registry.other_code(thing)
    registry.other_code.cache_clear()
    (package / '.#mod.py').symlink_to('somebody@somewhere.1')
    (package / '.mod.py').write_text('half a line')
    (package / 'folder.py').mkdir()
    (package / 'gone.py').symlink_to('nowhere')
    (package / '.ipynb_checkpoints').mkdir()
    (package / '.ipynb_checkpoints' / 'mod-checkpoint.py').touch()
    assert registry.other_code(thing) == before

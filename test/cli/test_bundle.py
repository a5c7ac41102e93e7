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

"""``xmodal bundle``: shown, compared, proven and brought to today's format."""

import json
from pathlib import Path
from shutil import which
import subprocess
from typing import Any
import warnings

import pytest
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from test.bundles import make_imu_bundle, rewrite_document
from xmodal_ros.cli.main import app
from xmodal_ros.errors import BundleError
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.models.signature import verify_signature


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ['bundle', *map(str, arguments)])


def test_a_bundle_is_shown_and_told_to_programs(tmp_path: Path) -> None:
    path = make_imu_bundle(tmp_path / 'imu')
    result = run('show', path, '--json', tmp_path / 'out.json')
    assert result.exit_code == 0, result.output
    assert 'sit, walk, wave' in result.output
    document = json.loads((tmp_path / 'out.json').read_text())
    assert document['bundles'][0]['labels'] == ['sit', 'walk', 'wave']
    assert document['bundles'][0]['warnings'] == []


def test_what_its_training_warned_of_is_shown_with_a_bundle(tmp_path: Path) -> None:
    path = make_imu_bundle(tmp_path / 'imu')
    rewrite_document(path, provenance={'warnings': ['it has learnt from one person']})
    result = run('show', path, '--json', tmp_path / 'out.json')
    assert result.exit_code == 0, result.output
    assert 'warning: it has learnt from one person' in result.output
    document = json.loads((tmp_path / 'out.json').read_text())
    assert document['bundles'][0]['warnings'] == ['it has learnt from one person']


def test_what_differs_is_told_by_name(tmp_path: Path) -> None:
    path = make_imu_bundle(tmp_path / 'a')
    other = make_imu_bundle(tmp_path / 'b', labels=('sit', 'walk'), unknown_threshold=0.25, seed=1)
    alike = run('compare', path, path)
    assert (alike.exit_code, alike.output) == (0, 'both are alike\n')
    result = run('compare', path, other, '--json', tmp_path / 'out.json')
    assert result.exit_code == 1
    found = {
        each['name']: (each['first'], each['second'])
        for each in json.loads((tmp_path / 'out.json').read_text())['differences']
    }
    assert found['unknown_threshold'] == (0.0, 0.25)
    assert found['labels'] == (['sit', 'walk', 'wave'], ['sit', 'walk'])
    assert {'weights_sha256', 'parameters', 'macs'} <= found.keys()
    assert not any(name.startswith(('stream', 'window', 'encoder')) for name in found)
    assert 'unknown_threshold' in result.output


def test_a_bundle_that_is_not_whole_is_told(tmp_path: Path) -> None:
    whole, broken = make_imu_bundle(tmp_path / 'a'), make_imu_bundle(tmp_path / 'b')
    golden = load_file(broken / 'golden.safetensors')
    document = json.loads((broken / 'bundle.json').read_text())
    assert run('verify', whole).exit_code == 0
    (broken / 'bundle.json').write_text(json.dumps({**document, 'temperature': 2.0}))
    result = run('verify', whole, broken, '--json', tmp_path / 'out.json')
    assert result.exit_code == 1
    first, second = json.loads((tmp_path / 'out.json').read_text())['bundles']
    assert (first['whole'], second['whole']) == (True, False)
    assert 'is not the document this bundle was made with' in second['problem']
    assert golden.keys() == {'window', 'logits'}


def test_a_bundle_of_an_earlier_version_is_migrated_and_answers_as_before(tmp_path: Path) -> None:
    path = make_imu_bundle(tmp_path / 'imu')
    before = load_bundle(path)
    (path / 'README.md').write_text('made in March')
    golden = load_file(path / 'golden.safetensors')
    # Before 0.2, nothing proved the document.
    save_file(golden, path / 'golden.safetensors')
    with pytest.warns(UserWarning, match='xmodal bundle migrate'):
        assert run('verify', path).exit_code == 0
    assert run('migrate', path, '--out', tmp_path / 'new').exit_code == 0
    after = load_bundle(tmp_path / 'new')
    assert after.info == before.info
    assert (tmp_path / 'new' / 'README.md').read_text() == 'made in March'
    assert run('migrate', path).exit_code == 0
    with warnings.catch_warnings(action='error'):
        assert run('verify', path).exit_code == 0
    again = run('migrate', path)
    assert "is of today's format already" in ' '.join(again.stderr.split())


def test_an_altered_bundle_is_not_migrated(tmp_path: Path) -> None:
    path = make_imu_bundle(tmp_path / 'imu')
    save_file(load_file(path / 'golden.safetensors'), path / 'golden.safetensors')
    weights = load_file(path / 'model.safetensors')
    save_file({name: 2 * each for name, each in weights.items()}, path / 'model.safetensors')
    result = run('migrate', path)
    assert isinstance(result.exception, BundleError)
    assert 'an altered bundle is not migrated' in str(result.exception)


def new_key(folder: Path, name: str) -> Path:
    make = ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', str(folder / name)]
    subprocess.run(make, check=True, stdin=subprocess.DEVNULL)
    return folder / name


@pytest.mark.skipif(which('ssh-keygen') is None, reason='ssh-keygen comes with OpenSSH')
def test_a_signed_bundle_is_known_by_its_key_and_no_other(tmp_path: Path) -> None:
    path = make_imu_bundle(tmp_path / 'imu')
    key, other = new_key(tmp_path, 'key'), new_key(tmp_path, 'other')
    public = key.with_suffix('.pub')

    def problem(signed_by: Path = public) -> str:
        out = tmp_path / 'out.json'
        result = run('verify', path, '--signed-by', signed_by, '--json', out)
        (found,) = json.loads(out.read_text())['bundles']
        assert result.exit_code == (0 if found['whole'] else 1)
        return str(found['problem'])

    assert 'is not signed' in problem()
    assert run('sign', path, '--key', key).exit_code == 0
    assert problem() == ''
    both = tmp_path / 'both'
    keys = (other.with_suffix('.pub'), public)
    both.write_text('# of the laboratory\n' + ''.join(each.read_text() for each in keys))
    assert problem(both) == ''
    assert 'is not by a key of' in problem(other.with_suffix('.pub'))
    (path / 'README.md').write_text('Never wrong.')
    assert 'is not by a key of' in problem()
    (path / 'README.md').unlink()
    assert problem() == ''
    assert run('verify', path).exit_code == 0
    # Two files in the list of what is signed, one in the folder.
    (path / f'README.md\n{"0" * 64}  more').write_text('')
    with pytest.raises(BundleError, match='holds a file of the name'):
        verify_signature(path, public)
    (path / f'README.md\n{"0" * 64}  more').unlink()
    precious = tmp_path / 'precious'
    precious.write_text('years of work')
    (path / 'bundle.sig').unlink()
    (path / 'bundle.sig').symlink_to(precious)
    assert 'is a link' in str(run('sign', path, '--key', key).exception)
    assert precious.read_text() == 'years of work'
    (path / 'bundle.sig').unlink()


@pytest.mark.skipif(which('ssh-keygen') is None, reason='ssh-keygen comes with OpenSSH')
def test_what_is_no_key_to_sign_with_is_told_with_what_is(tmp_path: Path) -> None:
    path, text = make_imu_bundle(tmp_path / 'imu'), tmp_path / 'text'
    text.write_text('no key')
    key = new_key(tmp_path, 'key')
    alone = tmp_path / 'alone.pub'
    alone.write_text(key.with_suffix('.pub').read_text())
    key.chmod(0o644)
    for odd, words in (
        (tmp_path / 'nowhere', 'there is no key file'),
        (tmp_path, 'there is no key file'),
        (text, "ssh-keygen says: Couldn't load"),
        (alone, 'ssh-keygen says: No private key'),
        (key, 'ssh-keygen says: WARNING: UNPROTECTED PRIVATE KEY FILE! Perm'),
    ):
        found = str(run('sign', path, '--key', odd).exception)
        assert words in found
        assert 'give a private SSH key that nobody but you may read' in found
    assert not (path / 'bundle.sig').exists()

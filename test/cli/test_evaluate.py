"""``xmodal evaluate`` from the command line."""

import json
import subprocess
import sys

import pytest

from test.bundles import make_camera_bundle, make_imu_bundle, rewrite_document
from test.recordings import clips, write_imu_bag

SEGMENTS = clips(['sit', 'walk', 'wave'])


def xmodal(*arguments):
    return subprocess.run(
        [sys.executable, '-m', 'xmodal_ros.cli.main', *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp('evaluate')
    make_imu_bundle(folder / 'bundle')
    for subject in ('1', '2'):
        write_imu_bag(folder / 'bags' / f'bag_{subject}', SEGMENTS, subject=subject)
    return folder


def test_a_folder_of_bags_is_scored_and_written_as_asked(place, tmp_path):
    json_file, html = tmp_path / 'out.json', tmp_path / 'out.html'
    done = xmodal(
        'evaluate', place / 'bundle', place / 'bags', '--json', json_file, '--html', html
    )
    assert done.returncode == 0, done.stderr
    assert 'macro-F1 per clip' in done.stderr
    result = json.loads(json_file.read_text())
    assert result['counts']['bags'] == 2
    assert result['counts']['clips'] == 6
    assert '<html' in html.read_text()


def test_people_the_model_was_trained_on_are_left_out_and_named(place, tmp_path):
    bundle = make_imu_bundle(tmp_path / 'bundle')
    subjects = {'training': ['1'], 'validation': [], 'test': ['2']}
    rewrite_document(bundle, provenance={'subjects': subjects})
    out = tmp_path / 'out.json'
    done = xmodal('evaluate', bundle, place / 'bags', '--json', out)
    assert done.returncode == 0, done.stderr
    assert 'trained on (1)' in done.stderr
    assert [bag['subject'] for bag in json.loads(out.read_text())['bags']] == ['2']
    xmodal('evaluate', bundle, place / 'bags', '--all-subjects', '--json', out)
    assert json.loads(out.read_text())['counts']['bags'] == 2
    alone = xmodal('evaluate', bundle, place / 'bags' / 'bag_1', '--json', out)
    assert 'trained on every subject here (1)' in alone.stderr
    assert json.loads(out.read_text())['counts']['bags'] == 1


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['nothing', 'bags'], 'there is no bundle at'),
        (['bundle', 'nothing'], 'nothing'),
        (['bundle', 'bags', '--sensor', 'imu_wrist'], "'imu_wrist'"),
        (['bundle', 'bags', '--device', 'cuda:99'], "'cuda:99' is not there"),
    ],
)
def test_bad_input_is_an_error_in_words_with_exit_code_1(place, tmp_path, arguments, words):
    bundle, bags, *options = arguments
    out = tmp_path / 'out.json'
    done = xmodal('evaluate', place / bundle, place / bags, *options, '--json', out)
    assert done.returncode == 1
    assert words in done.stderr
    assert 'Traceback' not in done.stderr
    assert not out.exists()


def test_a_bag_whose_labels_look_like_markup_is_scored_and_its_drops_are_named(place, tmp_path):
    segments = clips(['[red]x[/blue]', 'walk'])
    bag = write_imu_bag(tmp_path / 'bag', segments, bad=[b'junk', b'junk'])
    done = xmodal('evaluate', place / 'bundle', bag, '--json', tmp_path / 'out.json')
    assert done.returncode == 0, done.stderr
    assert '[red]x[/blue]' in done.stderr
    assert '2 messages dropped: encapsulation' in done.stderr
    assert json.loads((tmp_path / 'out.json').read_text())['macro_f1'] is not None


@pytest.mark.parametrize('subjects', [[1], None, 'abc', {'training': 1}])
def test_a_bundle_with_nonsense_for_subjects_is_refused(place, tmp_path, subjects):
    bundle = make_imu_bundle(tmp_path / 'bundle')
    rewrite_document(bundle, provenance={'subjects': subjects})
    done = xmodal('evaluate', bundle, place / 'bags')
    assert done.returncode == 1
    assert 'subjects must list names' in done.stderr
    assert 'Traceback' not in done.stderr


def test_results_that_cannot_be_written_are_refused_before_the_work(place, tmp_path):
    done = xmodal('evaluate', place / 'bundle', place / 'bags', '--json', tmp_path)
    assert done.returncode == 1
    assert 'it is a folder, name a file' in done.stderr
    assert 'macro-F1' not in done.stderr


def test_a_bundle_for_another_modality_is_refused(place, tmp_path):
    bundle = make_camera_bundle(tmp_path / 'camera')
    done = xmodal('evaluate', bundle, place / 'bags', '--sensor', 'imu')
    assert done.returncode == 1
    assert 'is for camera' in done.stderr


def test_a_changed_weight_file_is_refused(place, tmp_path):
    bundle = make_imu_bundle(tmp_path / 'bundle')
    weights = bundle / 'model.safetensors'
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    done = xmodal('evaluate', bundle, place / 'bags')
    assert done.returncode == 1
    assert 'sha256' in done.stderr


@pytest.mark.parametrize(('rate', 'told'), [('0', True), ('20', False)])
def test_latencies_at_full_speed_are_told_from_those_of_a_robot(place, tmp_path, rate, told):
    html = tmp_path / 'out.html'
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit', 'walk'], seconds=4))
    done = xmodal('evaluate', place / 'bundle', bag, '--live', '--rate', rate, '--html', html)
    assert done.returncode == 0, done.stderr
    assert ('with the waiting' in done.stderr) is told
    assert ('with the waiting at full speed' in html.read_text()) is told

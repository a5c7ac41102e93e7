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

"""``xmodal evaluate`` from the command line."""

from dataclasses import replace
from io import StringIO
import json
import math
import shutil
from types import SimpleNamespace

import pytest
from rich.console import Console
from typer.testing import CliRunner

from test.bags.recordings import string_message
from test.bundles import make_camera_bundle, make_imu_bundle, rewrite_document
from test.messages import imu_bytes, SECOND
from test.recordings import clips, IMU, IMU_TYPE, write_imu_bag
from xmodal_ros.bags.labels import write_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.cli import evaluate_run
from xmodal_ros.cli.evaluate_run import _opened, EvaluationSettings
from xmodal_ros.cli.main import app
from xmodal_ros.cli.progress import ProgressBars
from xmodal_ros.errors import XmodalError
from xmodal_ros.evaluation.agreement import compare
from xmodal_ros.evaluation.scoring import LiveRun
from xmodal_ros.executors import LocalExecutor

SEGMENTS = clips(['sit', 'walk', 'wave'])


def xmodal(*arguments):
    """Run the command within this process, and turn its errors into words as ``main`` does."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    error = result.exception
    words = result.stderr
    if isinstance(error, XmodalError):
        words += f'error: {error}'
    elif error is not None and not isinstance(error, SystemExit):
        raise error
    return SimpleNamespace(returncode=result.exit_code, stderr=words)


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp('evaluate')
    make_imu_bundle(folder / 'bundle')
    make_imu_bundle(folder / 'other', seed=1)
    for subject in ('1', '2'):
        write_imu_bag(
            folder / 'bags' / f'bag_{subject}', SEGMENTS, subject=subject, seed=int(subject)
        )
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


def test_only_recordings_with_scored_windows_count_as_scored(place, tmp_path):
    bags = shutil.copytree(place / 'bags', tmp_path / 'bags')
    (bags / 'bag_2' / 'clocks.yaml').write_text('imu: {offset_s: 3600.0}\n')
    done = xmodal('evaluate', place / 'bundle', bags)
    assert done.returncode == 0, done.stderr
    told = ' '.join(done.stderr.split())
    assert 'of 1 recording, 1 subject' in told
    assert 'bag_2 3 of 3 labelled segments lie where it has no data' in told
    alone = xmodal('evaluate', place / 'bundle', bags / 'bag_2')
    assert 'look at what is said of recordings below' in ' '.join(alone.stderr.split())


def test_recordings_that_lie_deeper_are_named(place, tmp_path):
    shutil.copytree(place / 'bags', tmp_path / 'bags' / 'monday')
    shutil.copytree(place / 'bags' / 'bag_1', tmp_path / 'bags' / 'bag_3')
    done = xmodal('evaluate', place / 'bundle', tmp_path / 'bags')
    assert done.returncode == 0, done.stderr
    assert f'warning: {tmp_path / "bags" / "monday"} holds recordings too' in done.stderr


def test_recordings_of_one_name_are_told_apart(place, tmp_path):
    bags = [tmp_path / name / 'run1' for name in ('ada', 'bo')]
    for bag in bags:
        shutil.copytree(place / 'bags' / 'bag_1', bag)
    (bags[1] / 'labels.csv').write_text('start,end\n')
    shutil.copytree(bags[0], tmp_path / 'cy' / 'run1')
    out, html = tmp_path / 'out.json', tmp_path / 'out.html'
    done = xmodal(
        *('evaluate', place / 'bundle', place / 'other', *bags, tmp_path / 'cy' / 'run1'),
        *('--json', out, '--html', html),
    )
    assert done.returncode == 0, done.stderr
    assert 'bo/run1' in done.stderr
    document = json.loads(out.read_text())
    for bundle in document['bundles'].values():
        assert [bag['name'] for bag in bundle['bags']] == ['ada/run1', 'cy/run1']
        assert [left['bag'] for left in bundle['left_out']] == ['bo/run1']
        assert {label['bag'] for label in bundle['labels']} == {'ada/run1', 'cy/run1'}
        assert {each['bag'] for each in bundle['detections']} == {'ada/run1', 'cy/run1'}
    assert {each['bag'] for each in document['selection']['labels']} == {'ada/run1', 'cy/run1'}
    assert 'on ada/run1, cy/run1</title>' in html.read_text()


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


def test_a_recording_that_cannot_be_evaluated_is_no_other_person(place, tmp_path):
    bundle = make_imu_bundle(tmp_path / 'bundle')
    subjects = {'training': ['1'], 'validation': [], 'test': ['2']}
    rewrite_document(bundle, provenance={'subjects': subjects})
    broken = shutil.copytree(place / 'bags' / 'bag_2', tmp_path / 'broken')
    (broken / 'metadata.yaml').write_text('rosbag2_bagfile_information: {}')
    lacks = tmp_path / 'lacks'
    with BagWriter(lacks, sensors=[], subject='2') as writer:
        write_segments(writer, SEGMENTS)
    out = tmp_path / 'out.json'
    for other in (broken, lacks):
        done = xmodal('evaluate', bundle, place / 'bags' / 'bag_1', other, '--json', out)
        assert done.returncode == 0, done.stderr
        assert f'{other.name} is left out: ' in done.stderr
        assert 'trained on every subject here (1)' in done.stderr
        assert [bag['name'] for bag in json.loads(out.read_text())['bags']] == ['bag_1']


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


def test_a_recording_that_is_not_there_is_missed_before_the_work(place):
    done = xmodal('evaluate', place / 'bundle', place / 'bags', place / 'nothing')
    assert done.returncode == 1
    assert 'does not exist' in done.stderr
    assert 'offline' not in done.stderr


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


def test_several_bundles_are_compared_selected_from_and_put_under_faults(place, tmp_path):
    out, html = tmp_path / 'out.json', tmp_path / 'out.html'
    done = xmodal(
        *('evaluate', place / 'bags', place / 'bundle', place / 'other'),
        *('--robustness', 'delay', 'low_light'),
        *('--json', out, '--html', html, '--require', 'macro_f1=0', 'macro_f1_window=1.1'),
    )
    assert done.returncode == 1
    assert '2 of 4 requirements are not met' in done.stderr
    assert 'differences over 2 subjects' in done.stderr
    explanation = 'selector (select) is what a robot with all of these bundles would have decided'
    assert explanation in done.stderr
    assert explanation in html.read_text()
    assert '<th>selector (select)</th>' in html.read_text()
    assert 'can befall no sensor here: low_light\n' in done.stderr
    result = json.loads(out.read_text())
    assert result['schema_version'] == 2
    assert list(result['bundles']) == ['bundle', 'other']
    assert result['selection']['sources'] == {'bundle': 'bundle', 'other': 'other'}
    assert {each['bag'] for each in result['selection']['labels']} == {'bag_1', 'bag_2'}
    pairs = {(each['ours'], each['theirs']) for each in result['comparison']['differences']}
    assert pairs == {('bundle', 'other')}
    assert [(each['bundle'], each['fault']) for each in result['robustness']] == [
        ('bundle', 'delay'),
        ('other', 'delay'),
    ]
    assert result['bundles']['other']['intervals']['brier']['units'] == 2
    assert '<html' in html.read_text()


@pytest.fixture
def robots(tmp_path):
    """Two robots with an IMU each that show other activities, and labels of both."""
    writers = {'1': clips(['sit', 'walk']), '2': clips(['walk', 'wave'])}
    with BagWriter(tmp_path / 'robots') as writer:
        for number, segments in writers.items():
            topic = f'/robot{number}/activity_label'
            for segment in segments:
                text = string_message(segment.label)
                writer.write_message(topic, text, segment.start_ns)
                writer.write_message(topic, string_message(''), segment.end_ns)
            for stamp in range(segments[0].start_ns, segments[-1].end_ns + SECOND, SECOND // 50):
                writer.write(f'/robot{number}/imu', IMU_TYPE, stamp, imu_bytes(stamp))
    return tmp_path / 'robots'


def test_each_robot_in_a_bag_is_scored_by_its_own_labels(place, robots, tmp_path):
    out = tmp_path / 'out.json'
    for sensor, labels in (('robot1_imu', ['sit', 'walk']), ('robot2_imu', ['walk', 'wave'])):
        done = xmodal('evaluate', place / 'bundle', robots, '--sensor', sensor, '--json', out)
        assert done.returncode == 0, done.stderr
        assert [each['label'] for each in json.loads(out.read_text())['detections']] == labels
        assert 'another namespace' not in done.stderr


def test_robots_in_a_bag_with_labels_each_are_not_compared(place, robots, tmp_path):
    for number, bundle in (('1', 'bundle'), ('2', 'other')):
        shutil.copytree(place / bundle, tmp_path / bundle)
        rewrite_document(tmp_path / bundle, sensor=f'robot{number}_imu')
    done = xmodal('evaluate', tmp_path / 'bundle', tmp_path / 'other', robots)
    assert done.returncode == 1
    assert 'has labels of several robots' in done.stderr


def test_requirements_that_are_met_leave_the_exit_code_alone(place):
    done = xmodal(
        *('evaluate', place / 'bundle', '--require', 'macro_f1=0', 'ece<=1', '--', place / 'bags')
    )
    assert done.returncode == 0, done.stderr
    assert 'all 2 requirements are met' in done.stderr


def test_a_bundle_whose_sensor_a_bag_lacks_is_left_out_there_and_named(place, tmp_path):
    camera = make_camera_bundle(tmp_path / 'camera')
    done = xmodal('evaluate', place / 'bundle', camera, place / 'bags')
    assert done.returncode == 0, done.stderr
    assert 'camera is not evaluated on 2 recordings' in done.stderr
    done = xmodal('evaluate', camera, make_camera_bundle(tmp_path / 'more'), place / 'bags')
    assert done.returncode == 1
    assert "no sensor or sensor topic 'camera'" in done.stderr


def test_each_bag_is_opened_once(place, monkeypatch):
    from xmodal_ros.cli import evaluate_run as evaluation_run

    opened = []

    class Counting(BagReader):
        def __init__(self, path):
            opened.append(path.name)
            super().__init__(path)

    monkeypatch.setattr(evaluation_run, 'BagReader', Counting)
    assert xmodal('evaluate', place / 'bundle', place / 'other', place / 'bags').returncode == 0
    assert opened == ['bag_1', 'bag_2']


@pytest.mark.parametrize('labels', [['sit'], ['juggle'], []])
def test_one_class_only_strange_ones_or_no_truth_is_no_reason_to_crash(place, tmp_path, labels):
    segments = clips(labels or ['sit'])
    bag = write_imu_bag(tmp_path / 'bag', segments, labelled=bool(labels))
    out = tmp_path / 'out.json'
    done = xmodal(
        *('evaluate', place / 'bundle', place / 'other', bag, '--json', out),
        *('--html', tmp_path / 'out.html', '--robustness', 'dropout'),
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_text())['bundles']['bundle']
    assert (result['macro_f1'] is None) == (not labels)
    assert result['clips_of_unknown_labels'] == ({'juggle': 1} if labels == ['juggle'] else {})
    assert ('juggle (1 clip)' in done.stderr) == (labels == ['juggle'])
    assert ('no recording is labelled' in done.stderr) == (not labels)


@pytest.mark.parametrize('while_doing', ['classify_bag', 'run_faults', 'write_report'])
def test_interrupted_it_says_so_and_leaves_nothing_behind(
    place, tmp_path, monkeypatch, while_doing
):
    from xmodal_ros.cli import evaluate_run as evaluation_run

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation_run, while_doing, interrupted)
    folder = tmp_path / 'new'
    done = xmodal(
        *('evaluate', place / 'bundle', place / 'bags' / 'bag_1', '--robustness', 'dropout'),
        *('--html', folder / 'out.html'),
    )
    assert done.returncode == 130
    assert 'stopped: nothing half-written is left behind' in done.stderr
    assert not folder.exists()


@pytest.fixture(scope='module')
def spoilt(place, tmp_path_factory):
    """Two good recordings among others: no number, absurd ones, cut off, of a wrong type."""
    folder = tmp_path_factory.mktemp('spoilt')
    for name in ('bag_1', 'bag_2'):
        shutil.copytree(place / 'bags' / name, folder / name)
    for name, value in (('all_nan', math.nan), ('absurd', 1e300)):
        with BagWriter(folder / name, sensors=[IMU], subject='3') as writer:
            write_segments(writer, SEGMENTS)
            for stamp in range(SEGMENTS[0].start_ns, SEGMENTS[-1].end_ns, SECOND // 50):
                data = imu_bytes(stamp, (value,) * 3, (value,) * 3)
                writer.write(IMU.topic, IMU_TYPE, stamp, data)
    shutil.copytree(place / 'bags' / 'bag_1', folder / 'cut')
    for file in (folder / 'cut').glob('*.mcap'):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with BagWriter(folder / 'mistyped', sensors=[IMU], subject='3') as writer:
        write_segments(writer, SEGMENTS)
        writer.write_message(IMU.topic, string_message('no IMU'), SEGMENTS[0].start_ns)
    return folder


def test_bad_recordings_are_left_out_and_named_and_the_rest_goes_on(spoilt, place, tmp_path):
    out, html = tmp_path / 'out.json', tmp_path / 'out.html'
    done = xmodal('evaluate', place / 'bundle', spoilt, '--json', out, '--html', html)
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_text())
    assert [bag['name'] for bag in result['bags']] == ['bag_1', 'bag_2']
    reasons = {each['bag']: each['reason'] for each in result['left_out']}
    assert reasons.keys() == {'absurd', 'all_nan', 'cut', 'mistyped'}
    assert 'can be used' in reasons['all_nan']
    assert 'of type std_msgs/msg/String' in reasons['mistyped']
    for name in reasons:
        assert f'{name} is left out: ' in done.stderr
        assert f'is not evaluated on {name}: ' in html.read_text()


def test_in_another_process_recordings_give_what_they_give_here(
    spoilt, place, tmp_path, monkeypatch
):
    # One process is enough to see it, and takes half as long to start.
    monkeypatch.setattr(evaluate_run, 'LocalExecutor', lambda _: LocalExecutor(1))
    bags = [spoilt / 'bag_1', spoilt / 'all_nan']
    written = []
    for jobs in (1, 2):
        out = tmp_path / f'{jobs}.json'
        done = xmodal('evaluate', place / 'bundle', *bags, '--json', out, '--jobs', jobs)
        assert done.returncode == 0, done.stderr
        assert 'all_nan is left out: ' in done.stderr
        written.append(out.read_bytes())
    assert written[0] == written[1]


def test_strictly_or_alone_or_with_no_other_a_bad_recording_is_an_error(spoilt, place, tmp_path):
    out = tmp_path / 'out.json'
    bad, mistyped, good = (spoilt / name for name in ('all_nan', 'mistyped', 'bag_1'))
    for arguments, named in [
        ([spoilt, '--strict'], 'absurd'),
        ([bad], 'all_nan'),
        ([bad, spoilt / 'cut'], 'all_nan'),
        ([mistyped], 'mistyped'),
        ([good, mistyped, '--strict'], 'mistyped'),
    ]:
        done = xmodal('evaluate', place / 'bundle', *arguments, '--json', out)
        assert done.returncode == 1
        assert named in done.stderr.partition('error: ')[2]
        assert not out.exists()


@pytest.fixture
def gone_later(place, monkeypatch):
    """Where bag_1 is gone once it was evaluated offline, and the live node plays as offline."""
    from xmodal_ros.cli import evaluate_faults as evaluation_faults
    from xmodal_ros.cli import evaluate_run as evaluation_run
    from xmodal_ros.cli.evaluate_live import run_live
    from xmodal_ros.evaluation.robustness import robustness_curve

    def without(bag):
        return replace(bag, path=place / 'gone') if bag.name == 'bag_1' else bag

    def play(bundle, bag, *rest, **options):
        if bag.name == 'bag_1':
            return run_live(bundle, without(bag), *rest, **options)
        same = bag.offline.predictions
        return LiveRun(same, (0.001,) * len(same), 1, 1, {}, compare(same, same), 1.0)

    def curve(engine, evaluation, *rest, **options):
        bags = tuple(map(without, evaluation.bags))
        return robustness_curve(engine, replace(evaluation, bags=bags), *rest, **options)

    monkeypatch.setattr(evaluation_run, 'run_live', play)
    monkeypatch.setattr(evaluation_faults, 'robustness_curve', curve)


def test_a_recording_that_fails_live_or_harmed_is_left_out_of_that_alone(
    place, tmp_path, gone_later
):
    out, html = tmp_path / 'out.json', tmp_path / 'out.html'
    done = xmodal(
        *('evaluate', place / 'bundle', place / 'bags', '--live', '--robustness', 'delay'),
        *('--json', out, '--html', html),
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_text())
    assert [bag['name'] for bag in result['bags']] == ['bag_1', 'bag_2']
    assert (result['left_out'], result['equals_offline']) == ([], True)
    for left_out, told, shown in [
        (result['live_left_out'], 'bag_1 is left out of the live runs: ', 'not run live on'),
        (
            result['robustness'][0]['left_out'],
            'bag_1 is left out of the curve of delay: ',
            'not put under delay on',
        ),
    ]:
        assert [each['bag'] for each in left_out] == ['bag_1']
        assert told + left_out[0]['reason'] in done.stderr
        assert f'{shown} bag_1: ' in html.read_text()


@pytest.mark.parametrize('part', [['--live'], ['--robustness', 'delay']])
def test_strictly_or_with_no_other_a_part_that_fails_is_an_error(place, part, gone_later):
    for arguments in ([place / 'bags', '--strict'], [place / 'bags' / 'bag_1']):
        done = xmodal('evaluate', place / 'bundle', *arguments, *part)
        assert done.returncode == 1
        assert 'gone' in done.stderr


def test_of_several_bundles_each_says_what_it_was_not_evaluated_on(spoilt, place, tmp_path):
    out = tmp_path / 'out.json'
    bags = [spoilt / name for name in ('bag_1', 'all_nan')]
    done = xmodal('evaluate', place / 'bundle', place / 'other', *bags, '--json', out)
    assert done.returncode == 0, done.stderr
    for result in json.loads(out.read_text())['bundles'].values():
        assert [each['bag'] for each in result['left_out']] == ['all_nan']
        assert result['counts']['bags'] == 1


def test_what_a_recording_declares_wrongly_is_told(tmp_path):
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=4))
    metadata = bag / 'metadata.yaml'
    metadata.write_text(
        metadata.read_text().replace('durability: volatile', 'durability: unknown')
    )
    text = StringIO()
    settings = EvaluationSettings((), (bag,))
    with _opened(bag, [], settings, ProgressBars(Console(file=text))) as reader:
        assert reader is not None
    assert 'warning: bag: metadata.yaml differs from the files' in text.getvalue()

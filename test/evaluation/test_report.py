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

"""The report is one file that needs no other, and says what was measured."""

from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
import json
import re

import pytest

from test.evaluation.test_scoring import run, SEGMENTS
from test.messages import EPOCH, SECOND
from test.recordings import clips, write_imu_bag, write_jumped_bag
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.evaluation.report import render_report, write_report
from xmodal_ros.evaluation.report_model import model_facts
from xmodal_ros.evaluation.trial import RobustnessCurve, RobustnessPoint, Trial

VOID = {'meta', 'link', 'br', 'img', 'input', 'hr'}


class Outline(HTMLParser):
    """Collects tags and JSON, and fails on tags that do not nest."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.references, self.data = [], [], [], {}

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.references += [v for k, v in attrs if k in ('src', 'href', 'xlink:href')]
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.references += [v for k, v in attrs if k in ('src', 'href', 'xlink:href')]

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, text):
        if self.open and self.open[-1][1].get('type') == 'application/json':
            self.data[self.open[-1][1]['id']] = json.loads(text)


def outline(page):
    parser = Outline()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


@pytest.fixture(scope='module')
def evaluation(tmp_path_factory):
    folder = tmp_path_factory.mktemp('evaluated')
    return run(folder, write_imu_bag(folder / 'bag', SEGMENTS))


def test_the_page_is_whole_and_refers_to_nothing_outside(evaluation, tmp_path):
    file = tmp_path / 'new' / 'report.html'
    write_report(evaluation, file, 'imu on bag')
    page = file.read_text(encoding='utf-8')
    parsed = outline(page)
    assert all(reference.startswith(('#', 'data:')) for reference in parsed.references)
    assert not re.search(r'@import|url\((?!#)|https?://', page)
    assert f'{evaluation.scores.macro_f1:.3f}' in page
    recording = parsed.data['recording-0']
    assert len(recording['truth']) == len(SEGMENTS)
    assert [track['name'] for track in recording['tracks']] == [evaluation.name]
    assert [trace['quantity'] for trace in recording['media']['traces']] == [
        'acceleration',
        'angular rate',
    ]
    assert [f.name for f in file.parent.iterdir()] == ['report.html']


def test_a_recording_that_is_gone_is_shown_by_its_decisions(evaluation, tmp_path):
    (bag,) = evaluation.bags
    gone = replace(evaluation, bags=(replace(bag, path=tmp_path / 'gone'),))
    media = outline(render_report(gone, 'title')).data['recording-0']['media']
    assert media['traces'] == []
    assert 'does not exist' in media['missing'][0]


def test_without_truth_the_page_says_so(tmp_path):
    evaluation = run(tmp_path, write_imu_bag(tmp_path / 'bag', SEGMENTS, labelled=False))
    page = render_report(evaluation, 'title')
    assert 'no window belongs to a labelled segment' in page
    assert 'macro-F1' not in page
    assert outline(page).data['recording-0']['truth'] == []


def test_where_the_model_comes_from_reads_like_text(evaluation):
    provenance = {'subjects': {'training': ['1', '3'], 'validation': []}, 'seed': 7}
    info = evaluation.info.model_copy(update={'provenance': provenance})
    page = render_report(replace(evaluation, info=info), 'title')
    assert 'training: 1, 3</dd>' in page
    assert 'validation' not in page


def test_keys_of_a_bundle_are_told_in_words_and_units_and_its_names_as_they_are(evaluation):
    provenance = {
        'counts': {'clips': {'training': 2}, 'left_out': {'weak': 3}},
        'sources_given': ['imu_wrist'],
        'method_facts': {'skill': {'imu_wrist': 0.123456}, 'one_by_one': False},
        'augmentation': {'gain_db': 6.0, 'drop': 0.0},
        'training_hop_ns': 250_000_000,
        'trials': [],
        'made_by': None,
    }
    assert model_facts(evaluation.info.model_copy(update={'provenance': provenance})) == {
        'learnt from': 'clips (training: 2); '
        'left out (3 windows with too few samples, in or beside a gap)',
        'sources given': 'imu_wrist',
        'what the method tells': 'skill (imu_wrist: 0.12346); one by one: no',
        'changed in training by': 'gain, dB: 6; drop: 0',
        'time between windows in training, s': '0.25',
    }


def test_faults_are_drawn_with_a_line_for_each_bundle_alike(evaluation):
    def curve(name, *severities):
        points = tuple(RobustnessPoint(s, {'macro_f1': 0.5}) for s in severities)
        return RobustnessCurve(name, 'noise', 'dB', 'white noise', points)

    curves = (curve('a', None, 10.0), curve('b', None, 10.0), curve('c', 1.0, 2.0))
    page = render_report(Trial((evaluation,), robustness=curves), 'title')
    # A circle, a square, and the one that suffered something else by itself.
    assert page.count('a, noise none dB: 0.500') == 2
    assert len(re.findall(r'<figure>.*noise, dB', page)) == 2


def test_names_from_bags_cannot_break_the_page(tmp_path):
    bag = write_imu_bag(
        tmp_path / 'bag', clips(['sit', '<script>alert(1)</script>']), subject='a&b<i>'
    )
    parsed = outline(render_report(run(tmp_path, bag), '<b>title</b>'))
    scripts = [attrs.get('type') for tag, attrs in parsed.tags if tag == 'script']
    assert scripts == ['application/json', 'application/json', 'module']
    assert '<script>alert(1)</script>' in parsed.data['page-data']['labels']


def test_a_folder_whose_name_is_no_text_is_shown_all_the_same(evaluation, tmp_path):
    bag = replace(evaluation.bags[0], name='bag\udcff')
    file = tmp_path / 'report.html'
    write_report(replace(evaluation, bags=(bag,)), file, 'imu on bag\udcff')
    assert r'bag\udcff' in file.read_text()


def test_a_report_that_cannot_be_written_is_an_error_with_the_path(evaluation, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(ConfigurationError, match='cannot write'):
        write_report(evaluation, tmp_path / 'file' / 'report.html', 'title')


def test_a_label_that_lasts_until_the_clock_jumped_is_shown_as_far_as_was_decided(tmp_path):
    found = run(tmp_path, write_jumped_bag(tmp_path / 'bag'))
    page = render_report(found, 'title')
    assert len(page) < 500_000
    recording = outline(page).data['recording-0']
    last = found.bags[0].offline.predictions[-1].stamp_ns
    assert recording['seconds'] == pytest.approx((last - EPOCH) / SECOND + 1)
    assert [end for _, end, _ in recording['truth']] == [recording['seconds']]
    clips_shown = outline(page).data['page-data']['clips']
    assert all(clip['to'] <= recording['seconds'] for clip in clips_shown)


def test_of_a_recording_without_decisions_whose_clock_jumped_a_week_is_shown(tmp_path):
    found = run(tmp_path, write_jumped_bag(tmp_path / 'bag', labelled=False))
    nothing = replace(found.bags[0].offline, predictions=())
    bag = replace(found.bags[0], offline=nothing, truth=())
    page = render_report(replace(found, bags=(bag,)), 'title')
    assert outline(page).data['recording-0']['seconds'] == 7 * 86400
    assert 'Of bag no more than the first 10080 min 0 s are shown' in unescape(page)


def test_of_a_sensor_whose_stamps_jumped_by_years_is_shown_what_lies_before(evaluation):
    first, *later = evaluation.bags[0].offline.predictions
    years = 8 * 365 * 86400 * SECOND
    jumped = (first, *(replace(each, stamp_ns=each.stamp_ns + years) for each in later))
    offline = replace(evaluation.bags[0].offline, predictions=jumped)
    bags = (replace(evaluation.bags[0], offline=offline),)
    page = render_report(replace(evaluation, bags=bags), 'title')
    assert len(page) < 500_000
    assert 'Of bag no more than the first 4 s are shown' in unescape(page)
    assert outline(page).data['recording-0']['seconds'] < 5

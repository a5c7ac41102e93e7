"""The report is one file that needs no other, and says what was measured."""

from dataclasses import replace
from html.parser import HTMLParser
import re

import pytest

from test.evaluation.test_evaluate import run, SEGMENTS
from test.recordings import clips, write_imu_bag
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.evaluation.report import render_report, write_report

VOID = {'meta', 'link', 'br', 'img', 'input', 'hr'}


class Outline(HTMLParser):
    """Collects tags, and fails on tags that do not nest."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.references = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.references += [v for k, v in attrs if k in ('src', 'href', 'xlink:href')]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.references += [v for k, v in attrs if k in ('src', 'href', 'xlink:href')]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def outline(page):
    parser = Outline()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def test_the_page_is_whole_and_refers_to_nothing_outside(tmp_path):
    evaluation = run(tmp_path, write_imu_bag(tmp_path / 'bag', SEGMENTS))
    file = tmp_path / 'new' / 'report.html'
    write_report(evaluation, file, 'imu on bag')
    page = file.read_text(encoding='utf-8')
    parsed = outline(page)
    assert all(reference.startswith('#') for reference in parsed.references)
    assert not re.search(r'@import|url\((?!#)', page)
    assert f'{evaluation.scores.macro_f1:.3f}' in page
    truth_bars = page.count('<title>truth: ')
    assert truth_bars == len(SEGMENTS)
    assert [f.name for f in file.parent.iterdir()] == ['report.html']


def test_without_truth_the_page_says_so(tmp_path):
    evaluation = run(tmp_path, write_imu_bag(tmp_path / 'bag', SEGMENTS, labelled=False))
    page = render_report(evaluation, 'title')
    outline(page)
    assert 'no truth' in page
    assert 'macro-F1' not in page


def test_where_the_model_comes_from_reads_like_text(tmp_path):
    evaluation = run(tmp_path, write_imu_bag(tmp_path / 'bag', SEGMENTS))
    provenance = {'subjects': {'training': ['1', '3'], 'validation': []}, 'seed': 7}
    info = evaluation.info.model_copy(update={'provenance': provenance})
    page = render_report(replace(evaluation, info=info), 'title')
    assert 'training: 1, 3</dd>' in page
    assert 'validation' not in page


def test_names_from_bags_cannot_break_the_page(tmp_path):
    bag = write_imu_bag(
        tmp_path / 'bag', clips(['sit', '<script>alert(1)</script>']), subject='a&b<i>'
    )
    page = render_report(run(tmp_path, bag), '<b>title</b>')
    assert 'script' not in {tag for tag, _ in outline(page).tags}
    assert '&lt;script&gt;' in page


def test_a_report_that_cannot_be_written_is_an_error_with_the_path(tmp_path):
    evaluation = run(tmp_path, write_imu_bag(tmp_path / 'bag', SEGMENTS))
    (tmp_path / 'file').write_text('')
    with pytest.raises(ConfigurationError, match='cannot write'):
        write_report(evaluation, tmp_path / 'file' / 'report.html', 'title')

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

"""Nobody without the token is answered, nothing but the page's files and bags is served."""

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
import json
from pathlib import Path
import socket
import struct
import threading
from typing import Any

import pytest

from test.labelling.scenes import RATE, write_scene
from test.messages import EPOCH
from test.waiting import PATIENCE_S
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.labelling.bag_queue import BagQueue
from xmodal_ros.labelling.server import LabelServer
from xmodal_ros.web.access import HEADER

WALK = {'start': 1_000_000_000, 'end': 2_000_000_001, 'label': 'walk'}


@pytest.fixture(scope='module')
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene(tmp_path_factory.mktemp('scene') / 'bag')


@pytest.fixture(scope='module')
def server(bag: Path) -> Iterator[LabelServer]:
    with BagQueue([bag]) as queue, LabelServer(queue) as served:
        yield served


@pytest.fixture
def unlabelled(bag: Path, server: LabelServer) -> Iterator[Path]:
    """The file of the labels, which do not exist before the test nor after it."""
    server.queue.session(0).leave('a')
    yield bag / 'labels.csv'
    (bag / 'labels.csv').unlink(missing_ok=True)


def ask(
    server: LabelServer, path: str, body: Any = None, method: str = '', **headers: str
) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection('127.0.0.1', server.port, timeout=PATIENCE_S)
    given = {HEADER: server.access.token, 'Content-Type': 'application/json'}
    given.update({name.replace('_', '-'): value for name, value in headers.items()})
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    connection.request(method or ('POST' if body is not None else 'GET'), path, content, given)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def ask_json(server: LabelServer, path: str, body: Any = None) -> Any:
    answer, content = ask(server, path, body)
    assert answer.status == 200, content
    return json.loads(content)


def test_it_is_heard_on_this_machine_only(server):
    assert server._server.server_address == ('127.0.0.1', server.port)


@pytest.mark.parametrize(
    'path', ['/', '/static/labelling/app.js', '/api/queue', '/api/bags/0/state']
)
@pytest.mark.parametrize(
    'headers',
    [
        {HEADER: ''},
        {HEADER: 'wrong'},
        {HEADER: 'ü'},
        {'Host': 'evil.example'},
        {'Host': 'evil.example:80'},
        {'Host': ''},
        {'Host': '127.0.0.1.evil.example'},
        {'Host': '[::'},
    ],
)
def test_without_the_token_or_by_another_name_there_is_no_answer(server, path, headers):
    answer, content = ask(server, path, **headers)
    assert answer.status == 403
    assert 'bags' not in json.loads(content)


def test_a_cookie_that_is_none_is_no_token(server):
    connection = HTTPConnection('127.0.0.1', server.port, timeout=PATIENCE_S)
    connection.request('GET', '/', headers={'Cookie': f'a@b={server.access.token}'})
    assert connection.getresponse().status == 403
    connection.close()


def test_a_tab_that_is_closed_amid_a_request_is_no_error_on_the_terminal(
    server, monkeypatch, capfd
):
    over = threading.Event()
    handle_error = server._server.handle_error

    def handle(request: Any, address: Any) -> None:
        handle_error(request, address)
        over.set()

    monkeypatch.setattr(server._server, 'handle_error', handle)
    connection = socket.create_connection(('127.0.0.1', server.port), timeout=PATIENCE_S)
    connection.sendall(b'GET / HT')
    # No word of farewell: a reset, as where a browser is killed.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.close()
    assert over.wait(PATIENCE_S)
    assert capfd.readouterr().err == ''
    assert ask(server, '/api/queue')[0].status == 200


def test_the_token_in_the_address_becomes_a_cookie(server):
    connection = HTTPConnection('127.0.0.1', server.port)
    connection.request('GET', server.url.partition(f':{server.port}')[2])
    answer = connection.getresponse()
    answer.read()
    assert (answer.status, answer.headers['Location']) == (303, '/')
    cookie = answer.headers['Set-Cookie']
    assert 'HttpOnly' in cookie
    connection.request('GET', '/', headers={'Cookie': cookie.partition(';')[0]})
    page = connection.getresponse()
    assert page.status == 200
    assert "script-src 'self'" in page.headers['Content-Security-Policy']
    assert server.access.token not in page.read().decode()
    connection.close()
    rebound, _ = ask(server, f'/?token={server.access.token}', Host='evil.example')
    assert rebound.status == 403
    assert rebound.headers['Set-Cookie'] is None


@pytest.mark.parametrize(
    'headers',
    [{'Origin': 'http://evil.example'}, {'Origin': 'null'}, {'Sec-Fetch-Site': 'same-site'}],
)
def test_another_page_cannot_write(server, unlabelled, headers):
    answer, _ = ask(server, '/api/bags/0/open', {'tab': 'a'}, **headers)
    assert answer.status == 403


@pytest.mark.parametrize(
    'path',
    [
        '/static/../server.py',
        '/static/%2e%2e/server.py',
        '/static//etc/passwd',
        '/static/..%2fserver.py',
        '/static/server.py',
        '/static/',
        '//etc/passwd',
        '/../../etc/passwd',
        '/api/bags/0/frames/2/0/../../x',
        '/api/bags/../queue',
        '/api/bags/0/nothing',
        '/api/bags/0/blocks',
        '/api/bags/0/sound/0/0',
    ],
)
def test_only_what_is_listed_is_there(server, path):
    answer, content = ask(server, path)
    assert answer.status == 404
    assert 'error' in json.loads(content)


@pytest.mark.parametrize(
    'path',
    [
        '/api/bags/1/state',
        '/api/bags/0/blocks/99',
        '/api/bags/0/blocks/-1',
        '/api/bags/0/frames/0/0/100000',
        '//[',
        '/api/bags/0/overview?first=-1',
        '/api/bags/0/overview?first=x',
        'x://[',
    ],
)
def test_what_lies_outside_the_recording_is_an_error_in_words(server, path):
    answer, content = ask(server, path)
    assert answer.status in (400, 404)
    assert json.loads(content)['error']


def test_a_bag_is_described_and_its_parts_are_served(server, unlabelled):
    bag = ask_json(server, '/api/bags/0/open', {'tab': 'a'})
    assert bag['labels']['editor']
    assert bag['blocks'] == 4
    assert bag['start_ns'] == str(EPOCH)
    tracks = [track['modality'] for track in bag['tracks']]
    assert set(ask_json(server, '/api/bags/0/blocks/1')['films']) == {str(tracks.index('camera'))}
    picture, content = ask(server, f'/api/bags/0/frames/{tracks.index("camera")}/2/99')
    assert picture.headers['Content-Type'] == 'image/jpeg'
    assert content[:2] == b'\xff\xd8'
    _, sound = ask(server, f'/api/bags/0/sound/{tracks.index("audio")}/1')
    assert len(sound) == 2 * 10 * RATE


def test_labels_are_written_and_conflicts_answered_with_409_and_the_reason(server, unlabelled):
    labels = ask_json(server, '/api/bags/0/open', {'tab': 'a'})['labels']
    document = {'tab': 'a', 'revision': labels['revision'], 'disk': '', 'segments': [WALK]}
    written = ask_json(server, '/api/bags/0/labels', document)
    assert unlabelled.read_text() == 'start,end,label\n1.000,2.000000001,walk\n'
    assert written['segments'] == [WALK]
    state = ask_json(server, f'/api/bags/0/state?tab=a&revision={written["revision"]}')
    assert 'segments' not in state
    assert ask_json(server, '/api/queue')['bags'][0]['segments'] == 1
    for change, reason in (({}, 'revision'), ({'tab': 'b'}, 'tab')):
        answer, content = ask(server, '/api/bags/0/labels', {**document, **change})
        assert (answer.status, json.loads(content)['reason']) == (409, reason)


@pytest.mark.parametrize(
    'body',
    [
        b'',
        b'{',
        b'[]',
        b'\xff\xfe',
        b'null',
        b'[' * 100_000,
        {'tab': 'a'},
        {'tab': 'a', 'revision': 0, 'disk': '', 'segments': [{**WALK, 'start': 1.5}]},
        {'tab': 'a', 'revision': 0, 'disk': '', 'segments': [{**WALK, 'end': 10**30}]},
        {'tab': 'a', 'revision': '0', 'disk': '', 'segments': [WALK]},
        {'tab': 'a', 'revision': 0, 'disk': '', 'segments': [WALK], 'more': 1},
    ],
)
def test_a_malformed_document_is_an_error_in_words(server, unlabelled, body):
    answer, content = ask(server, '/api/bags/0/labels', body)
    assert answer.status == 400
    assert json.loads(content)['error']
    assert not unlabelled.exists()


def test_activities_are_kept_in_order_and_checked(server):
    names = {'activities': ['b', 'a', 'b']}
    assert ask_json(server, '/api/activities', names) == {'activities': ['b', 'a']}
    answer, _ = ask(server, '/api/activities', {'activities': ['unknown']})
    assert answer.status == 400
    assert ask_json(server, '/api/queue')['activities'] == ['b', 'a']


@pytest.mark.parametrize(
    ('headers', 'status'),
    [
        ('Content-Length: 999999999999', b'413'),
        ('Content-Length: 99999999999999999999', b'411'),
        ('Content-Length: -1', b'411'),
        ('Transfer-Encoding: chunked', b'411'),
    ],
)
def test_a_giant_body_is_not_read(server, headers, status):
    with socket.create_connection(('127.0.0.1', server.port), timeout=PATIENCE_S) as connection:
        connection.sendall(
            f'POST /api/bags/0/labels HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n'
            f'{HEADER}: {server.access.token}\r\nContent-Type: application/json\r\n\r\n'.encode()
        )
        # The answer comes although nothing more is sent, and then the connection is closed.
        answer = b''.join(iter(lambda: connection.recv(4096), b''))
    assert answer.split()[1] == status


def test_nothing_is_posted_to_where_nothing_is(server):
    answer, content = ask(server, '/api/nothing', {})
    assert answer.status == 404
    assert json.loads(content)['error']


def test_a_form_of_another_kind_is_refused(server):
    answer, _ = ask(server, '/api/bags/0/open', b'tab=a', Content_Type='text/plain')
    assert answer.status == 415


def test_a_port_in_use_is_an_error_in_words(server):
    with pytest.raises(ConfigurationError, match='choose another'):
        LabelServer(server.queue, server.port)

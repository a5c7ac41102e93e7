"""The server of the page: this machine only, nothing without the token.

===============================================  ==============================================
``GET /``                                        the page; ``?token=…`` on the first visit
``GET /static/NAME``                             its scripts and styles
``GET /api/queue``                               bags, how far they are, activities
``POST /api/activities``                         set the activities
``POST /api/bags/B/open``, ``leave``, ``reload``  a tab comes, goes, reads the file again
``GET /api/bags/B/state?tab=…``                  whether the labels changed
``POST /api/bags/B/labels``                      write the labels; 409 with the reason if not
``GET /api/bags/B/offer``                         labels from elsewhere to start from
``GET /api/bags/B/overview?first=N``             the overview as far as it is made
``GET /api/bags/B/blocks/K``                     frames' times, motion and spectra of ten seconds
``GET /api/bags/B/frames/T/K/N``                 a picture as JPEG
``GET /api/bags/B/sound/T/K``                    sound, 16 bit PCM
===============================================  ==============================================
"""

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import json
import re
import sys
import threading
import time
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ValidationError

from xmodal_ros.bags.label_writing import check_label
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.labelling.access import Access
from xmodal_ros.labelling.bag_queue import BagQueue
from xmodal_ros.labelling.documents import (
    ActivitiesDocument,
    bag_document,
    block_document,
    LabelsDocument,
    offer_document,
    overview_document,
    queue_document,
    state_document,
    TabDocument,
)
from xmodal_ros.labelling.session import RefusedError
from xmodal_ros.media.sound import Spectrum
from xmodal_ros.web.scripts import page_files, read_page_file

_ADDRESS: Final = '127.0.0.1'
_LARGEST_BODY: Final = 8 << 20
_IDLE_S: Final = 60
_TYPES: Final = {
    ending: f'text/{kind}; charset=utf-8'
    for ending, kind in (('.js', 'javascript'), ('.css', 'css'), ('.html', 'html'))
}
_STATIC: Final = frozenset(page_files('', 'labelling'))
# Modules that import each other are asked for at once, not one after the other.
_MODULES: Final = '\n'.join(
    f'<link rel="modulepreload" href="/static/{name}">'
    for name in sorted(_STATIC)
    if name.endswith('.js')
)
_SECURITY: Final = {
    'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
    'Cross-Origin-Resource-Policy': 'same-origin',
}
_Body = TypeVar('_Body', bound=BaseModel)


class _AnswerError(Exception):
    """A request that is answered with an error; the text is for a person."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class LabelServer:
    """Serves the page for the bags of a queue, from its creation until it is closed.

    ``url`` is its address with the token. ``port`` 0 chooses a free one. Raises
    :class:`ConfigurationError` when the port cannot be had.
    """

    def __init__(self, queue: BagQueue, port: int = 0) -> None:
        self.queue = queue
        try:
            self._server = _Server((_ADDRESS, port), _Handler)
        except (OSError, OverflowError) as error:
            raise ConfigurationError(
                f'port {port} cannot be used: {error}; choose another, or leave --port out'
            ) from error
        self.port = self._server.server_port
        self._server.queue = queue
        self._server.access = self.access = Access(self.port)
        self.url = f'http://{_ADDRESS}:{self.port}/?token={self.access.token}'
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,))
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Those of browsers that stay connected would never end.
    block_on_close = False
    queue: BagQueue
    access: Access

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over tabs that were closed while they were answered; all else is told."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def _split(target: str) -> tuple[str, dict[str, str]]:
    try:
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    except ValueError as error:
        raise _AnswerError(HTTPStatus.BAD_REQUEST, f'{target!r} is no address') from error
    return parts.path, query


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    server_version, sys_version = 'xmodal', ''
    timeout = _IDLE_S
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Stay silent: the terminal belongs to the person."""

    def do_GET(self) -> None:
        """Answer a request that changes nothing."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """Answer a request that changes something."""
        self._answer(self._post)

    def _answer(self, respond: Callable[[str, dict[str, str]], None]) -> None:
        try:
            respond(*_split(self.path))
        except _AnswerError as error:
            self._send_json({'error': str(error)}, error.status)
        except RefusedError as error:
            answer = {'error': str(error), 'reason': error.reason}
            self._send_json(answer, HTTPStatus.CONFLICT)
        except ConfigurationError as error:
            self._send_json({'error': str(error)}, HTTPStatus.BAD_REQUEST)
        except (BagError, OSError) as error:
            if isinstance(error, ConnectionError | TimeoutError):
                raise
            self._send_json({'error': str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY)

    def _get(self, path: str, query: dict[str, str]) -> None:
        access = self.server.access
        if (
            path == '/'
            and access.host_complaint(self._headers()) == ''
            and (access.is_token(query.get('token', '')))
        ):
            # On to the page without it: addresses are shown, copied and kept in histories.
            self._send(b'', 'text/plain', HTTPStatus.SEE_OTHER, Location='/',
                       Set_Cookie=access.cookie())  # fmt: skip
            return
        self._check(writes=False, page=path == '/')
        if path == '/':
            page = read_page_file('labelling/page.html').replace('<!-- modules -->', _MODULES)
            self._send(page.encode(), _TYPES['.html'])
        elif (name := re.fullmatch(r'/static/([\w./]+)', path)) and name[1] in _STATIC:
            self._send_static(name[1])
        elif path == '/api/queue':
            self._send_json(queue_document(self.server.queue))
        elif parts := re.fullmatch(r'/api/bags/(\d{1,6})/(\w+)((?:/\d{1,9})*)', path):
            numbers = [int(number) for number in parts[3].split('/')[1:]]
            self._get_of_bag(int(parts[1]), parts[2], numbers, query)
        else:
            raise _AnswerError(HTTPStatus.NOT_FOUND, f'there is nothing at {path}')

    def _get_of_bag(self, bag: int, what: str, numbers: list[int], query: dict[str, str]) -> None:
        match what, numbers:
            case 'state', []:
                session = self.server.queue.session(bag)
                state = session.state(query.get('tab', ''), time.monotonic())
                answer = state_document(session, state)
                # It is asked for often and seldom changes.
                if query.get('revision') == str(state.revision):
                    del answer['segments']
                self._send_json(answer)
            case 'offer', []:
                self._send_json(offer_document(self.server.queue.session(bag)))
            case 'overview', []:
                first = query.get('first', '0')
                if not re.fullmatch(r'\d{1,9}', first):
                    raise _AnswerError(HTTPStatus.BAD_REQUEST, f'{first!r} is no block')
                self._send_json(overview_document(self.server.queue.recording(bag), int(first)))
            case 'blocks', [index]:
                recording = self.server.queue.recording(bag)
                self._send_json(block_document(recording.block(index), recording.start_ns))
            case 'frames', [track, index, number]:
                picture = self.server.queue.recording(bag).picture(track, index, number)
                self._send(picture, 'image/jpeg')
            case 'sound', [track, index]:
                sound = self.server.queue.recording(bag).block(index).get(track)
                if not isinstance(sound, Spectrum) or sound.samples is None:
                    raise _AnswerError(HTTPStatus.NOT_FOUND, f'sensor {track} has no sound')
                self._send(sound.samples.astype('<i2').tobytes(), 'application/octet-stream')
            case _:
                raise _AnswerError(HTTPStatus.NOT_FOUND, f'a bag has no {what} {numbers}')

    def _post(self, path: str, _query: dict[str, str]) -> None:
        try:
            self._check(writes=True, page=False)
            body = self._body()
        except _AnswerError:
            # What was sent and not read would be taken for the next request.
            self.close_connection = True
            raise
        if path == '/api/activities':
            names = self._parse(ActivitiesDocument, body).activities
            for name in names:
                check_label(name)
            self.server.queue.activities = tuple(names)
            self._send_json({'activities': list(self.server.queue.activities)})
        elif parts := re.fullmatch(r'/api/bags/(\d{1,6})/(open|leave|reload|labels)', path):
            self._post_to_bag(int(parts[1]), parts[2], body)
        else:
            raise _AnswerError(HTTPStatus.NOT_FOUND, f'there is nothing at {path}')

    def _post_to_bag(self, bag: int, what: str, body: bytes) -> None:
        queue, now_s = self.server.queue, time.monotonic()
        if what == 'labels':
            labels = self._parse(LabelsDocument, body)
            session = queue.session(bag)
            segments = labels.given(session.start_ns)
            state = session.save(labels.tab, labels.revision, labels.disk, segments, now_s)
            self._send_json(state_document(session, state))
            return
        asked = self._parse(TabDocument, body)
        session = queue.session(bag)
        if what == 'leave':
            session.leave(asked.tab)
            self._send_json({})
        elif what == 'reload':
            self._send_json(state_document(session, session.reload(asked.tab)))
        else:
            state = session.enter(asked.tab, now_s, take=asked.take)
            self._send_json(bag_document(queue.recording(bag), session, state))

    def _check(self, *, writes: bool, page: bool) -> None:
        complaint = self.server.access.complaint(self._headers(), writes=writes, page=page)
        if complaint:
            raise _AnswerError(HTTPStatus.FORBIDDEN, complaint)

    def _headers(self) -> dict[str, str]:
        return {name.title(): value for name, value in self.headers.items()}

    def _body(self) -> bytes:
        length = self.headers.get('Content-Length', '')
        if not re.fullmatch(r'\d{1,12}', length):
            raise _AnswerError(HTTPStatus.LENGTH_REQUIRED, 'say the length of what you send')
        if int(length) > _LARGEST_BODY:
            raise _AnswerError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f'{length} bytes are more than labels take'
            )
        if self.headers.get_content_type() != 'application/json':
            raise _AnswerError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, 'send application/json')
        return self.rfile.read(int(length))

    @staticmethod
    def _parse(document: type[_Body], body: bytes) -> _Body:
        try:
            return document.model_validate_json(body)
        except ValidationError as error:
            first = error.errors()[0]
            place = '.'.join(map(str, first['loc']))
            raise _AnswerError(
                HTTPStatus.BAD_REQUEST, f'{place or "the document"}: {first["msg"]}'
            ) from None

    def _send_static(self, name: str) -> None:
        self._send(read_page_file(name).encode(), _TYPES[name[name.rindex('.') :]])

    def _send_json(self, answer: Any, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(json.dumps(answer).encode(), 'application/json', status)

    def _send(
        self, content: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK, **headers: str
    ) -> None:
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(content)))
        for name, value in _SECURITY.items():
            self.send_header(name, value)
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        if self.close_connection:
            self.send_header('Connection', 'close')
        self.end_headers()
        self.wfile.write(content)

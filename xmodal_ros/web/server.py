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

"""Serve a page to this machine only, and nothing without the token."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import json
import re
import sys
import threading
from types import TracebackType
from typing import Any, ClassVar, Final, Self
from urllib.parse import parse_qs, urlsplit

from xmodal_ros.errors import ConfigurationError, XmodalError
from xmodal_ros.web.access import Access
from xmodal_ros.web.scripts import page_files, read_page_file

_ADDRESS: Final = '127.0.0.1'
_LARGEST_BODY: Final = 8 << 20
_IDLE_S: Final = 60
_TYPES: Final = {
    ending: f'text/{kind}; charset=utf-8'
    for ending, kind in (('.js', 'javascript'), ('.css', 'css'), ('.html', 'html'))
}
_SECURITY: Final = {
    'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
    'Cross-Origin-Resource-Policy': 'same-origin',
}


class AnswerError(Exception):
    """A request that is answered with an error; the text is for a person."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class PageServer:
    """Serves a page from its creation until it is closed; each kind of page has a subclass.

    ``command`` is what a person types for it, ``page`` its file and ``folders`` those of its
    scripts and styles. ``url`` is its address with the token. ``port`` 0 chooses a free one.
    Requests are answered in threads. Raises :class:`ConfigurationError` when the port cannot be
    had.
    """

    command: ClassVar[str]
    page: ClassVar[str]
    folders: ClassVar[tuple[str, ...]]

    def __init__(self, port: int = 0) -> None:
        self.static = frozenset(page_files('', *self.folders))
        try:
            self._server = _Server((_ADDRESS, port), _Handler)
        except (OSError, OverflowError) as error:
            raise ConfigurationError(
                f'port {port} cannot be used: {error}; choose another, or leave --port out'
            ) from error
        self.port = self._server.server_port
        self._server.answering = self
        self.access = Access(self.command, self.port)
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

    def get(self, path: str, _query: Mapping[str, str]) -> Any:
        """Answer a request for data: bytes with their media type, or what becomes JSON.

        Raises :class:`AnswerError` and :class:`XmodalError`.
        """
        raise AnswerError(HTTPStatus.NOT_FOUND, f'there is nothing at {path}')

    def post(self, path: str, _body: bytes) -> Any:
        """Answer a request that changes something, whose body is JSON; as :meth:`get`."""
        raise AnswerError(HTTPStatus.NOT_FOUND, f'there is nothing at {path}')

    def refusal(self, error: XmodalError) -> tuple[HTTPStatus, dict[str, str]]:
        """Give status and answer for what could not be done."""
        status = (
            HTTPStatus.BAD_REQUEST
            if isinstance(error, ConfigurationError)
            else HTTPStatus.UNPROCESSABLE_ENTITY
        )
        return status, {'error': str(error)}

    def page_text(self) -> str:
        """Give the page, naming its modules: they are asked for at once, not one by another."""
        modules = '\n'.join(
            f'<link rel="modulepreload" href="/static/{name}">'
            for name in sorted(self.static)
            if name.endswith('.js')
        )
        return read_page_file(self.page).replace('<!-- modules -->', modules)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Those of browsers that stay connected would never end.
    block_on_close = False
    answering: PageServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over tabs that were closed while they were answered; all else is told."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def _split(target: str) -> tuple[str, dict[str, str]]:
    try:
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    except ValueError as error:
        raise AnswerError(HTTPStatus.BAD_REQUEST, f'{target!r} is no address') from error
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
        except AnswerError as error:
            self._send_json({'error': str(error)}, error.status)
        except XmodalError as error:
            status, answer = self.server.answering.refusal(error)
            self._send_json(answer, status)
        except OSError as error:
            if isinstance(error, ConnectionError | TimeoutError):
                raise
            self._send_json({'error': str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY)

    def _get(self, path: str, query: dict[str, str]) -> None:
        answering = self.server.answering
        access = answering.access
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
            self._send(answering.page_text().encode(), _TYPES['.html'])
        elif (name := re.fullmatch(r'/static/([\w./]+)', path)) and name[1] in answering.static:
            self._send_static(name[1])
        else:
            self._send_answer(answering.get(path, query))

    def _post(self, path: str, _query: dict[str, str]) -> None:
        try:
            self._check(writes=True, page=False)
            body = self._body()
        except AnswerError:
            # What was sent and not read would be taken for the next request.
            self.close_connection = True
            raise
        self._send_answer(self.server.answering.post(path, body))

    def _send_answer(self, answer: Any) -> None:
        match answer:
            case (bytes() as content, str() as kind):
                self._send(content, kind)
            case _:
                self._send_json(answer)

    def _check(self, *, writes: bool, page: bool) -> None:
        complaint = self.server.answering.access.complaint(
            self._headers(), writes=writes, page=page
        )
        if complaint:
            raise AnswerError(HTTPStatus.FORBIDDEN, complaint)

    def _headers(self) -> dict[str, str]:
        return {name.title(): value for name, value in self.headers.items()}

    def _body(self) -> bytes:
        length = self.headers.get('Content-Length', '')
        if not re.fullmatch(r'\d{1,12}', length):
            raise AnswerError(HTTPStatus.LENGTH_REQUIRED, 'say the length of what you send')
        if int(length) > _LARGEST_BODY:
            raise AnswerError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f'{length} bytes are more than this page sends',
            )
        if self.headers.get_content_type() != 'application/json':
            raise AnswerError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, 'send application/json')
        return self.rfile.read(int(length))

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

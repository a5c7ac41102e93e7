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

"""Who may talk to a page's server: whoever has the token, on this machine, from the page."""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
import secrets
from typing import Final
from urllib.parse import urlsplit

HEADER: Final = 'X-Xmodal-Token'
_NAMES: Final = ('127.0.0.1', 'localhost')
_OTHER_PAGES: Final = ('cross-site', 'same-site')


class Access:
    """The token of one server, given in the address once, then in a cookie or a header.

    Browsers send cookies to every port of a machine, so the cookie's name has the port in it.
    ``command`` is the one that printed the address.
    """

    def __init__(self, command: str, port: int) -> None:
        self.token = secrets.token_urlsafe(32)
        self._command = command
        self._cookie = f'xmodal_{port}'

    def cookie(self) -> str:
        """Give the header that makes a browser remember the token until it is closed."""
        return f'{self._cookie}={self.token}; Path=/; HttpOnly; SameSite=Lax'

    def is_token(self, text: str) -> bool:
        """Compare in a time that does not tell how much of it is right."""
        return secrets.compare_digest(text.encode(), self.token.encode())

    def complaint(self, headers: Mapping[str, str], *, writes: bool, page: bool) -> str:
        """Say why a request is refused; '' for one that is fine.

        ``writes`` is a request that changes something, ``page`` one for the page itself, to which
        links may lead from anywhere.
        """
        # A name of an attacker's that was made to point here (DNS rebinding) is not ours.
        if (complaint := self.host_complaint(headers)) != '':
            return complaint
        if not self._has_token(headers):
            return f'open the address that `{self._command}` printed: it holds a token'
        if not page and headers.get('Sec-Fetch-Site', '') in _OTHER_PAGES:
            return 'another page asked for this'
        origin = headers.get('Origin')
        if writes and origin is not None and origin != f'http://{headers.get("Host", "")}':
            return 'another page asked for this'
        return ''

    @staticmethod
    def host_complaint(headers: Mapping[str, str]) -> str:
        """Say why a request by another name than this machine's own is refused, or ''."""
        host = headers.get('Host', '')
        try:
            name = urlsplit(f'//{host}').hostname
        except ValueError:
            name = None
        return '' if name in _NAMES else f'the host {host!r} is not this server'

    def _has_token(self, headers: Mapping[str, str]) -> bool:
        if (given := headers.get(HEADER)) is not None:
            return self.is_token(given)
        try:
            cookie = SimpleCookie(headers.get('Cookie', ''))
        except CookieError:
            return False
        return self._cookie in cookie and self.is_token(cookie[self._cookie].value)

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

"""Sign bundles, and tell who signed them, by SSH keys and OpenSSH's ``ssh-keygen``.

Signed is a list as of ``sha256sum`` of all files of the folder: what is changed, added or taken
away afterwards is noticed. ``ssh-keygen -Y verify`` checks it without this package, too.
"""

import os
from pathlib import Path
import subprocess
import tempfile
from typing import Final

from xmodal_ros.errors import BundleError
from xmodal_ros.files import write_atomic
from xmodal_ros.models.configuration_bundle import check_bundle, file_sha256, read_file

SIGNATURE: Final = 'bundle.sig'
# Says what was signed, so that no signature of something else will do.
_NAMESPACE: Final = 'bundle@xmodal_ros'
_KEY_WANTED: Final = (
    "give a private SSH key that nobody but you may read, as 'ssh-keygen -t ed25519' makes one, "
    'or the .pub file of one that an agent holds'
)
_WHOEVER: Final = 'signer'


def sign_bundle(path: Path, key: Path) -> None:
    """Write the signature of a bundle that is whole into it, in the place of an older one.

    ``key`` is a private SSH key, or a public one whose private half an agent holds. Raises
    :class:`BundleError`.
    """
    check_bundle(path)
    signature = path / SIGNATURE
    if signature.is_symlink() or (signature.exists() and not signature.is_file()):
        raise BundleError(f'{signature} is a link, or no file: take it away, then sign')
    if not key.exists() or key.is_dir():
        raise BundleError(f'there is no key file {key}: {_KEY_WANTED}')
    done = _ssh_keygen(['sign', '-f', str(key)], _listing(path))
    if done.returncode:
        raise BundleError(
            f'{path} cannot be signed with {key}: {_KEY_WANTED} (ssh-keygen says: {_words(done)})'
        )
    try:
        write_atomic(signature, done.stdout)
    except OSError as error:
        raise BundleError(f'{signature} cannot be written: {error}') from error


def verify_signature(path: Path, keys: Path) -> None:
    """Raise :class:`BundleError` unless one of the public keys in a file signed this very folder.

    ``keys`` has a key a line, as ``id_ed25519.pub`` or ``authorized_keys``.
    """
    signature = path / SIGNATURE
    if not signature.exists():
        raise BundleError(f'{path} is not signed: it holds no {SIGNATURE}')
    read_file(signature)
    try:
        lines = [line.strip() for line in keys.read_text(encoding='utf-8').splitlines()]
    except (OSError, ValueError) as error:
        raise BundleError(f'{keys} cannot be read as public keys: {error}') from error
    known = [line for line in lines if line and not line.startswith('#')]
    with tempfile.TemporaryDirectory() as folder:
        allowed = Path(folder, 'allowed_signers')
        allowed.write_text(''.join(f'{_WHOEVER} {line}\n' for line in known), encoding='utf-8')
        told = ['verify', '-f', str(allowed), '-I', _WHOEVER, '-s', str(signature.absolute())]
        done = _ssh_keygen(told, _listing(path))
    if done.returncode:
        raise BundleError(
            f'the signature of {path} is not by a key of {keys} over the files that are there '
            f'({_words(done)}): take the bundle, or the key, from its maker again'
        )


def _listing(path: Path) -> bytes:
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError as error:
        raise BundleError(f'{path} cannot be read: {error}') from error
    names = [entry.name for entry in entries if entry.name != SIGNATURE]
    for name in names:
        # A name with a line break could stand for the lines of two files.
        if not name.isprintable():
            raise BundleError(
                f'{path} holds a file of the name {name!r}: rename it, or take it away'
            )
    return ''.join(f'{file_sha256(path / name)}  {name}\n' for name in names).encode()


def _ssh_keygen(arguments: list[str], content: bytes) -> 'subprocess.CompletedProcess[bytes]':
    command = ['ssh-keygen', '-Y', *arguments, '-n', _NAMESPACE]
    try:
        return subprocess.run(command, input=content, capture_output=True, check=False)
    except OSError as error:
        raise BundleError(
            f'signatures need ssh-keygen of OpenSSH (sudo apt install openssh-client): {error}'
        ) from error


def _words(done: 'subprocess.CompletedProcess[bytes]') -> str:
    said = (done.stderr or done.stdout).decode(errors='replace')
    # Without the frame of its warnings.
    return ' '.join(said.replace('@', ' ').split()) or 'ssh-keygen does not say why'

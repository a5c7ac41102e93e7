"""ROS domains of their own for runs that must not meet other nodes."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
import random
import socket

# 'ament' test tools reserve domains by the same ports, so that they and we keep apart.
_FIRST_PORT = 22119
# Above 101, the UDP ports of a domain would lie among those that Linux hands out to anyone.
_DOMAINS = range(1, 102)


@contextmanager
def reserved_domain() -> Iterator[int]:
    """Reserve a ROS domain on this machine for as long as the block runs.

    Raises
    ------
    RuntimeError
        When all domains are taken.

    """
    for domain in random.sample(_DOMAINS, len(_DOMAINS)):
        with socket.socket() as reservation:
            try:
                reservation.bind(('', _FIRST_PORT + domain))
            except OSError:
                continue
            yield domain
            return
    raise RuntimeError('all ROS domains of this machine are in use: end some other run first')


def keep_on_this_machine(environment: MutableMapping[str, str], domain: int) -> None:
    """Set what keeps nodes started with ``environment`` in ``domain`` and on this machine."""
    environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    environment['ROS_DOMAIN_ID'] = str(domain)
    environment.pop('ROS_STATIC_PEERS', None)
    environment.pop('ROS_LOCALHOST_ONLY', None)

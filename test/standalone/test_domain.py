from contextlib import ExitStack
import os
from pathlib import Path
import subprocess
import sys

import pytest

from xmodal_standalone import domain
from xmodal_standalone.domain import keep_on_this_machine, reserved_domain

ISOLATED = Path(__file__).parents[2] / 'standalone' / 'isolated.py'


def test_tests_run_in_a_domain_of_their_own_on_this_machine() -> None:
    assert os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    with ExitStack() as others:
        taken = {others.enter_context(reserved_domain()) for _ in range(20)}
    assert int(os.environ['ROS_DOMAIN_ID']) not in taken


def test_domains_held_at_the_same_time_differ_and_can_run_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A few only, so that test runs beside this one still find theirs.
    monkeypatch.setattr(domain, '_DOMAINS', range(90, 96))
    with ExitStack() as held:
        domains = set[int]()

        def take_all() -> None:
            while True:
                another = held.enter_context(reserved_domain())
                assert another not in domains
                domains.add(another)

        with pytest.raises(RuntimeError, match='in use'):
            take_all()
        assert domains <= set(range(90, 96))


def test_the_users_settings_give_way() -> None:
    environment = {'ROS_DOMAIN_ID': '0', 'ROS_STATIC_PEERS': '10.0.0.1', 'HOME': '/home/someone'}
    keep_on_this_machine(environment, 17)
    assert environment == {
        'ROS_DOMAIN_ID': '17',
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'HOME': '/home/someone',
    }


def test_a_command_gets_its_own_domain_and_keeps_its_exit_code() -> None:
    show = 'import os, sys; print(os.environ["ROS_DOMAIN_ID"]); sys.exit(3)'
    command = [sys.executable, str(ISOLATED), sys.executable, '-c', show]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 3
    assert result.stdout.strip() != os.environ['ROS_DOMAIN_ID']
    assert 1 <= int(result.stdout) <= 101

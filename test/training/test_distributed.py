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

"""Several processes: each reads its share of the windows, and the weights are those of one."""

import json
import subprocess
import sys

import pytest

from test.training.of_several import METHODS
from test.waiting import COMMAND_S


@pytest.fixture(scope='module')
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp('processes')
    launched = [sys.executable, '-m', 'torch.distributed.run', '--nproc-per-node', '2']
    launched += ['--master-port', '0', '--standalone', '-m', 'test.training.of_several']
    done = subprocess.run(
        [*launched, str(folder)], capture_output=True, text=True, check=False, timeout=COMMAND_S
    )
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f'{rank}.json').read_text()) for rank in range(2)]


@pytest.mark.parametrize('method', METHODS)
def test_each_reads_its_share_and_all_come_to_the_weights_of_one(found, method):
    first, second = (of_rank[method] for of_rank in found)
    assert max(first['difference'], second['difference']) < 5e-3
    for sensor, (read, whole) in first['read'].items():
        # One window is looked at by both.
        assert read + second['read'][sensor][0] == whole + (whole > 0)
        assert read <= 0.6 * whole
    assert any(whole for _, whole in first['read'].values())


def test_all_come_to_the_verdict_of_one(found):
    first, second = (of_rank['guard'] for of_rank in found)
    alone, together = first['verdicts']
    assert (alone['unit'], alone['units']) == ('people', 4)
    assert together == second['verdicts'][1]
    assert together['decision'] == alone['decision']
    assert max(first['difference'], second['difference']) < 2e-2


def test_all_learn_alone_after_all_where_the_main_one_says_so(found):
    assert max(of_rank['after all'] for of_rank in found) < 5e-3

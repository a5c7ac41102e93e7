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

"""The trainer's launch file, run for real."""

from pathlib import Path

from test.launch.starting import Start
from test.paired_bags import write_subjects
from xmodal_ros.models.configuration_bundle import read_bundle_info


def test_as_a_job_it_trains_and_ends(start: Start, tmp_path: Path) -> None:
    subjects = ('01', '02', '03')
    write_subjects(tmp_path / 'bags', subjects, without_camera=subjects)
    arguments = {
        'bags': tmp_path / 'bags',
        'target': 'imu',
        'test_subjects': '03',
        'out': tmp_path / 'imu',
        'start_at_once': 'true',
        'exit_at_end': 'true',
        'params_file': tmp_path / 'mine.yaml',
    }
    (tmp_path / 'mine.yaml').write_text(
        '/**/trainer:\n'
        '  ros__parameters:\n'
        '    {epochs: 1, window: 2.0, device: cpu, encoder: [imu=imu_cnn], jobs: 1}\n'
    )
    said: list[str] = []
    assert start('trainer', arguments, said).run() == 0
    provenance = read_bundle_info(tmp_path / 'imu').provenance
    assert provenance['subjects']['test'] == ['03'], ''.join(said)

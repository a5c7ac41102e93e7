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

"""Methods are found by name, and a broken one is refused when it is defined."""

import pytest

from test.waiting import run_python
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.dcat import Dcat
from xmodal_ros.methods.method import make_method, method_names, TransferMethod
from xmodal_ros.methods.unimodal import Unimodal


def test_every_method_in_the_package_is_there_by_name():
    assert {'unimodal', 'dcat'} <= set(method_names())
    assert isinstance(make_method('unimodal'), Unimodal)
    assert isinstance(make_method('dcat'), Dcat)


def test_their_names_are_known_without_torch():
    told = (
        'import sys, xmodal_ros.configuration.training, xmodal_ros.methods.method as method;'
        'print(*method.method_names(), "torch" in sys.modules)'
    )
    assert run_python(told).stdout.split() == [*method_names(), 'False']


def test_options_are_read_from_text_and_checked():
    method = make_method('dcat', {'weight': '0.3', 'squared': 'true', 'normalisation': 'none'})
    assert isinstance(method, Dcat)
    assert (method.options.weight, method.options.squared) == (0.3, True)


@pytest.mark.parametrize(
    ('name', 'options', 'message'),
    [
        ('dact', {}, 'choose one of .*dcat.*unimodal'),
        ('dcat', {'weight': '-1'}, "'weight' of method dcat"),
        ('dcat', {'lambda': '1'}, 'its options: pairing, .*weight, .*normalisation'),
        ('dcat', {'normalisation': 'l2'}, 'frobenius'),
        ('unimodal', {'weight': '1'}, 'its options: none'),
    ],
)
def test_what_cannot_be_chosen_is_refused_with_what_can(name, options, message):
    with pytest.raises(ConfigurationError, match=message):
        make_method(name, options)


def test_a_method_without_a_name_cannot_be_defined():
    with pytest.raises(TypeError, match='must set a name'):

        class Nameless(TransferMethod):
            def make_module(self, task):
                raise NotImplementedError


def test_one_method_is_chosen_without_importing_the_others():
    told = (
        'import sys, xmodal_ros.methods.method as method; method.make_method("unimodal");'
        'print(*sorted(name for name in sys.modules if name.startswith("xmodal_ros.methods.")))'
    )
    names = run_python(told).stdout.split()
    loaded = {name.removeprefix('xmodal_ros.methods.') for name in names}
    assert loaded & {*method_names()} == {'unimodal'}

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

"""Every encoder and every method that is installed holds what all of them must."""

from pathlib import Path
import random
import re
import sys
from typing import ClassVar
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from test.test_registry import forget, install
from xmodal_ros import registry
from xmodal_ros.contract import encoders, methods
from xmodal_ros.contract.encoders import check_encoder, ENCODER_CHECKS
from xmodal_ros.contract.methods import check_method, METHOD_CHECKS
from xmodal_ros.contract.modalities import check_modality
from xmodal_ros.methods.distillation import Distillation, DistillationOptions
from xmodal_ros.methods.method import make_method, method_names, MethodOptions, TransferMethod
from xmodal_ros.methods.training_module import LossTerms, TrainingModule
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.models.configuration_encoder import encoder_class
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig
from xmodal_ros.streams.sample import Sample

_DOCS = Path(__file__).resolve().parents[1] / 'docs'


# What is only larger otherwise, and as large takes minutes.
SMALL = {'camera_efficientnet': {'side': 32, 'stages': 2, 'backbone_width': 0.25}}


@pytest.mark.parametrize('check', ENCODER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize('kind', registry.names(registry.ENCODERS))
def test_every_encoder(kind, check):
    check(encoder_class(kind).model_validate(SMALL.get(kind, {})))


@pytest.mark.parametrize('check', METHOD_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize('name', method_names())
def test_every_method(name, check):
    check(make_method(name))


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of another package, whose modules are forgotten after the test."""
    before = {*sys.modules}
    monkeypatch.syspath_prepend(tmp_path)
    forget()
    yield tmp_path
    forget()
    for name in {*sys.modules} - before:
        if name.endswith(('mean_pool', 'logit_matching', 'wrench_of_the_page')):
            del sys.modules[name]


def test_the_encoder_of_the_page_holds_it_as_one_of_another_package(site):
    page = (_DOCS / 'adding_an_encoder.md').read_text(encoding='utf-8')
    configuration, modeling, *_ = re.findall(r'```python\n(.*?)```', page, flags=re.DOTALL)
    (site / 'configuration_mean_pool.py').write_text(configuration)
    (site / 'modeling_mean_pool.py').write_text(modeling)
    kind, declared = re.findall(r"'(\w+) = (\w+:\w+)'", page)[0]
    install(site, 'mean-pool', registry.ENCODERS, **{kind: declared})
    check_encoder(encoder_class(kind).model_validate({}))


def test_the_method_of_the_page_holds_it_as_one_of_another_package(site):
    page = (_DOCS / 'methods' / 'adding_a_method.md').read_text(encoding='utf-8')
    blocks = re.findall(r'```python\n(.*?)```', page, flags=re.DOTALL)
    module = next(block for block in blocks if 'class LogitMatching(' in block)
    (site / 'logit_matching.py').write_text(module)
    name, _, class_name = re.findall(r"'(\w+) = ([\w.]+):(\w+)'", page)[0]
    install(site, 'logit-matching', registry.METHODS, **{name: f'logit_matching:{class_name}'})
    check_method(make_method(name))


def test_the_modality_of_the_page_holds_it_as_one_of_another_package(site):
    page = (_DOCS / 'adding_a_modality.md').read_text(encoding='utf-8')
    blocks = re.findall(r'```python\n(.*?)```', page, flags=re.DOTALL)
    module = [block for block in blocks if re.match('from typing|def decode_wrench', block)]
    (site / 'wrench_of_the_page.py').write_text('\n\n'.join(module))
    install(site, 'wrench-page', registry.MODALITIES, wrench='wrench_of_the_page:Wrench')
    wrench = find_modality('wrench')
    samples = [Sample(1_000_000_000 + n * 10_000_000, 'wrist', np.ones(6)) for n in range(400)]
    stream = wrench.training_defaults(wrench.message_types[0], b'', {}).stream
    check_modality(wrench, [wrench.serialize(sample, stream) for sample in samples])


class Broken(nn.Module):
    """An encoder that is wrong in one way."""

    seen: torch.Tensor

    def __init__(self, channels: int, wrong: str) -> None:
        super().__init__()
        self.wrong = wrong
        self.project = nn.Linear(channels, 64)
        self.unused = nn.Linear(1, 1) if wrong == 'unused' else None
        self.register_buffer('seen', torch.zeros(()))
        if wrong == 'unseeded':
            nn.init.constant_(self.project.weight, random.random())

    def forward(self, window):
        if self.wrong == 'in place':
            window.mul_(2)
        tokens = self.project(window)
        if self.wrong == 'batch':
            tokens = tokens - tokens.mean(dim=0, keepdim=True)
        if self.wrong == 'random':
            tokens = tokens + torch.rand(())
        if self.wrong == 'counting':
            self.seen += 1
        if self.wrong == 'short':
            tokens = tokens[:, 1:]
        return tokens[..., :32] if self.wrong == 'narrow' else tokens


@pytest.mark.parametrize(
    ('wrong', 'check', 'message'),
    [
        ('narrow', encoders.check_tokens, 'not .*64'),
        ('in place', encoders.check_tokens, 'are changed'),
        ('short', encoders.check_short_windows, 'become no token'),
        ('unseeded', encoders.check_seed, 'differs under the same seed'),
        ('batch', encoders.check_batch, 'other tokens alone'),
        ('random', encoders.check_evaluation, 'other tokens'),
        ('counting', encoders.check_evaluation, 'seen changes'),
        ('unused', encoders.check_gradients, r'unused\.weight gets no gradient'),
    ],
)
def test_an_encoder_that_is_wrong_is_found_out(wrong, check, message):
    class BrokenConfig(ImuCnnConfig):
        def build(self, channels):
            return Broken(channels, wrong)

    with pytest.raises(AssertionError, match=message):
        check(BrokenConfig())


def test_an_encoder_that_is_not_declared_is_found_out():
    class Undeclared(ImuCnnConfig):
        pass

    with pytest.raises(AssertionError, match=r"the entry point 'imu_cnn' is .*not Undeclared"):
        check_encoder(Undeclared())


class BrokenModule(TrainingModule):
    def __init__(self, task, wrong):
        super().__init__(task)
        self.wrong = wrong
        self.sources = task.sources
        self.own = nn.Linear(16, 1) if wrong == 'unused' else None
        self.noise = random.random()
        self.steps = 0
        if wrong == 'random':
            self.target.register_forward_hook(lambda _, __, logits: logits + torch.rand(()))

    def training_step(self, batch, outputs, task_loss):
        self.steps += 1
        if self.wrong == 'unseeded':
            task_loss = task_loss * (1 + self.noise)
        if self.wrong == 'counting':
            task_loss = task_loss * self.steps
        if self.wrong == 'no number':
            task_loss = task_loss * (batch.labels < 0).sum().log()
        if self.wrong == 'trains its source':
            for source in self.sources.values():
                task_loss = task_loss + source.classifier(batch.windows[..., :3]).sum()
                break
        return LossTerms(task_loss, {})


@pytest.mark.parametrize(
    ('wrong', 'check', 'message'),
    [
        ('unseeded', methods.check_seed, 'differs under the same seed'),
        ('trains its source', methods.check_frozen_sources, "source 'thigh' gets a gradient"),
        ('unused', methods.check_gradients, r'own\.bias, own\.weight'),
        ('no number', methods.check_gradients, 'the loss is'),
        ('random', methods.check_deployment, 'other logits'),
        ('counting', methods.check_going_on, 'the loss of the step after is another'),
    ],
)
def test_a_method_that_is_wrong_is_found_out(wrong, check, message):
    class BrokenMethod(TransferMethod):
        name: ClassVar[str] = 'broken'

        def make_module(self, task):
            return BrokenModule(task, wrong)

    with pytest.raises(AssertionError, match=message):
        check(BrokenMethod(MethodOptions()))


def test_a_method_that_is_not_declared_is_found_out():
    class Undeclared(Distillation):
        name: ClassVar[str] = 'distillation'

    with pytest.raises(AssertionError, match=r"the entry point 'distillation' is .*not"):
        check_method(Undeclared(DistillationOptions()))


def test_all_checks_are_run_at_once_and_one_that_cannot_be_is_told(monkeypatch):
    monkeypatch.setattr('xmodal_ros.contract.export.find_spec', lambda _: None)
    with pytest.warns(UserWarning, match='check_onnx was left out: .*onnx is not installed'):
        check_encoder(ImuCnnConfig(width=16, dim=16))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        check_method(make_method('unimodal'))

#!/bin/sh
# What needs a GPU, in one command of less than eight minutes, without ROS:
#
#     sh benchmarks/gpu.sh [FOLDER]
#
# the tests that need CUDA, the rows of benchmarks/rows/gpu.py, and a training on simulated people;
# JSON and logs go to FOLDER, ./gpu by default, where people and a model are made in simulated_run,
# which a next run removes. Takes the torch that there is, for Python 3.12 or 3.11 (PYTHON names
# another). Nothing is installed where all packages are there, and this one need not be. What is
# missing goes into FOLDER/venv, from a package registry, or from a folder of wheels that were
# downloaded elsewhere:
#
#     PIP_NO_INDEX=1 PIP_FIND_LINKS=/path/to/wheels sh benchmarks/gpu.sh
#
# Runs on the CPU where there is no GPU, and says so. Each step is run whatever became of the one
# before, but for want of packages; after eight minutes (LIMIT_S is in seconds) none goes on.
# Exit code: 0 where all went well.
set -u
deadline=$(($(date +%s) + ${LIMIT_S:-480}))
out=${1:-gpu}
mkdir -p "$out/metadata" || exit 1
# Of where the user is.
out=$(CDPATH='' cd "$out" && pwd) || exit 1
python=${PYTHON:-python3}
case $python in
  /*) ;;
  */*) python=$PWD/$python ;;
esac
cd "$(dirname "$0")/.." || exit 1
export OMP_WAIT_POLICY=PASSIVE PYTHONPATH="$PWD:$out/metadata${PYTHONPATH:+:$PYTHONPATH}"
failed=0
: >"$out/steps.json"
# Of an earlier run, which would be refused.
made="$out/simulated_run"
rm -rf "$made"

step() {
  name=$1
  shift
  begun=$(date +%s)
  left=$((deadline - begun))
  : >"$out/$name.json"
  if [ "$left" -le 0 ]; then
    code=124
    echo 'not begun: the time is over' >"$out/$name.log"
  elif timeout -k 5 "$left" "$@" >"$out/$name.json" 2>"$out/$name.log"; then
    code=0
  else
    code=$?
  fi
  echo "{\"step\": \"$name\", \"exit_code\": $code, \"seconds\": $(($(date +%s) - begun))}" |
    tee -a "$out/steps.json"
  [ "$code" = 0 ] && return
  failed=1
  tail -n 5 "$out/$name.log"
  return 1
}

wanted='
from xmodal_ros.dependencies import check_dependencies, OF_NODES, OF_THE_COMMAND
check_dependencies((*OF_NODES, *OF_THE_COMMAND))
import cv2, filelock, hypothesis, jinja2, pydantic, pytest, pytest_timeout, rich, rosbags.highlevel
import safetensors, scipy, setuptools, sklearn, torch, typer, yaml'

# In an environment of its own, that what Python has, torch above all, is not changed.
install() {
  own="$out/venv/bin/python"
  if "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --without-pip "$out/venv" || return 1
    set -- "$python" -m pip --python "$own"
  else
    "$python" -m venv "$out/venv" || return 1
    set -- "$own" -m pip
  fi
  # That sees what Python sees, which may be an environment itself.
  "$python" -c 'import sys; print(*[p for p in sys.path if p.endswith("-packages")], sep="\n")' \
    >"$("$own" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/beside.pth"
  # What is there is kept where it is new enough.
  step install "$@" install --disable-pip-version-check -r standalone/requirements/python.txt \
    setuptools pytest pytest-timeout hypothesis || return 1
  python=$own
}

if ! "$python" -c "$wanted" >"$out/packages.log" 2>&1; then
  tail -n 1 "$out/packages.log"
  install || { echo 'packages are missing: benchmarks/gpu.sh says where else they may be'; exit 1; }
fi
# Encoders and methods are found by an installed package's metadata; these will do.
step metadata "$python" setup.py -q egg_info --egg-base "$out/metadata" || exit 1

step device "$python" -c '
import json, sys, torch
there = torch.cuda.is_available()
name = torch.cuda.get_device_name() if there else "none"
print(json.dumps({"torch": torch.__version__, "gpu": name, "python": sys.version}))
print("GPU:", name, file=sys.stderr)'
cat "$out/device.log"
step tests "$python" -m pytest -q -p no:cacheprovider test/models/test_device_placement.py \
  test/models/test_cuda_graph.py test/training/test_device_placement.py \
  test/training/test_train.py::test_it_trains_on_a_gpu test/runtime/test_engine.py
for each in gpu_engine gpu_three_models; do
  step "$each" "$python" -m benchmarks.harness measure "$each" --rounds 5 --folder "$out/material"
done
step simulate "$python" -m xmodal_ros.cli.entry simulate "$made/recordings" --subjects 4 --minutes 1
step train "$python" -m xmodal_ros.cli.entry train "$made"/recordings/* --target camera \
  --test-subjects subject_04 --out "$made/model" --device auto --epochs 2 --no-cache --json "$out/scores.json"
exit $failed

#!/bin/sh
# What needs a GPU, in one command of less than eight minutes, without ROS:
#
#     sh benchmarks/gpu.sh [FOLDER]
#
# the tests that need CUDA, the rows of benchmarks/rows/gpu.py, and a training on simulated people;
# JSON and logs go to FOLDER, ./gpu by default. Takes the torch that there is, for Python 3.12 or
# 3.11 (PYTHON names another), and installs this package and what else is missing into FOLDER/venv,
# for which a package registry must be reached. Runs on the CPU where there is no GPU, and says so.
# Exit code: 0 where all went well; each step is run whatever became of the one before.
set -u
cd "$(dirname "$0")/.." || exit 1
out=${1:-gpu}
mkdir -p "$out"
out=$(cd "$out" && pwd)
python=${PYTHON:-python3}
export OMP_WAIT_POLICY=PASSIVE PYTHONPATH="$PWD"
failed=0

step() {
  name=$1
  shift
  begun=$(date +%s)
  if timeout 200 "$@" >"$out/$name.json" 2>"$out/$name.log"; then code=0; else code=$?; failed=1; fi
  echo "{\"step\": \"$name\", \"exit_code\": $code, \"seconds\": $(($(date +%s) - begun))}" |
    tee -a "$out/steps.json"
  [ "$code" = 0 ] || tail -n 5 "$out/$name.log"
}

: >"$out/steps.json"
# In an environment of its own, that what Python has, torch above all, is not changed.
own="$out/venv/bin/python"
if "$python" -m pip --version >"$out/venv.log" 2>&1; then
  "$python" -m venv --without-pip "$out/venv" || exit 1
  pip="$python -m pip --python $own"
else
  "$python" -m venv "$out/venv" || exit 1
  pip="$own -m pip"
fi
# That sees what Python sees, which may be an environment itself.
"$python" -c 'import sys; print(*[p for p in sys.path if p.endswith("-packages")], sep="\n")' \
  >"$("$own" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/beside.pth"
# What is there is kept where it is new enough. Entry points are of what is installed.
$pip install -q --disable-pip-version-check -e '.[train]' pytest pytest-timeout hypothesis || exit 1
python=$own

step device "$python" -c '
import json, sys, torch
there = torch.cuda.is_available()
name = torch.cuda.get_device_name() if there else "none"
print(json.dumps({"torch": torch.__version__, "gpu": name, "python": sys.version}))
print("GPU:", name, file=sys.stderr)'
cat "$out/device.log"
step tests "$python" -m pytest -q -p no:cacheprovider test/models/test_device_placement.py \
  test/runtime/test_engine.py test/models/test_bundle.py
for each in gpu_engine gpu_three_models; do
  step "$each" "$python" -m benchmarks.harness measure "$each" --rounds 5 --folder "$out/material"
done
step simulate "$python" -m xmodal_ros.cli.entry simulate "$out/recordings" --subjects 4 --minutes 1
step train "$python" -m xmodal_ros.cli.entry train "$out"/recordings/* --target camera \
  --test-subjects subject_04 --out "$out/model" --device auto --epochs 2 --no-cache --json "$out/scores.json"
exit $failed

# Source this (bash or zsh) to use .venv's xmodal, and to let any ros2 command find the package in it:
#     source standalone/env.sh
_xmodal_venv="$(cd "$(dirname "${BASH_SOURCE[0]:-${(%):-%x}}")/.." && pwd)/.venv"
if [ -x "$_xmodal_venv/bin/xmodal" ]; then
  case ":${PATH}:" in
    *":$_xmodal_venv/bin:"*) ;;
    *) export PATH="$_xmodal_venv/bin:$PATH" ;;
  esac
  case ":${AMENT_PREFIX_PATH:-}:" in
    *":$_xmodal_venv:"*) ;;
    *) export AMENT_PREFIX_PATH="$_xmodal_venv${AMENT_PREFIX_PATH:+:$AMENT_PREFIX_PATH}" ;;
  esac
else
  echo "env.sh: $_xmodal_venv is not there or not complete: run standalone/setup first" >&2
fi
unset _xmodal_venv

#!/usr/bin/env bash
# Celery 5.6.3 with click 8.5.1, seen 2026-12-01: an environment variable CELERY_VERSION, as images and CI jobs set it to say which Celery to
# install, keeps every celery command from starting.
#
# Guessed: a variable of that name is not read, or at most by somebody's own scripts; `celery worker` starts.
# Behaviour: the command line gives each option, --version too, a variable with the prefix CELERY_ (click's auto_envvar_prefix). CELERY_VERSION=5.6.3
#   ends `celery -A proj worker`, and any other command, with exit code 2 and "is not a valid boolean"; CELERY_VERSION=1 makes it print the
#   version and end with 0, without a worker.
# Output: CELERY_VERSION=5.6.3: exit 2, Error: Invalid value for '--version': '5.6.3' is not a valid boolean
#         CELERY_VERSION=1: exit 0, 5.6.3
#
# Needs python3 with venv. `celery report` stands for any command: it needs no broker.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q celery==5.6.3 kombu==5.7.0 click==8.5.1
echo "from celery import Celery; app = Celery('proj', broker='memory://')" >proj.py
venv/bin/celery -A proj report >report.txt || { cat report.txt; exit 1; } # without the variable it works
seen() {
  local code=0
  CELERY_VERSION=$1 venv/bin/celery -A proj report >out.txt 2>&1 || code=$?
  echo "CELERY_VERSION=$1: exit $code, $(grep -oE "Error: .* is not a valid boolean|^5\.6\.3" out.txt | head -1)"
}
out=$(seen 5.6.3; seen 1)
echo "$out"
[ "$out" = "CELERY_VERSION=5.6.3: exit 2, Error: Invalid value for '--version': '5.6.3' is not a valid boolean
CELERY_VERSION=1: exit 0, 5.6.3" ]

#!/usr/bin/env bash
# Celery 5.6.3, seen 2026-12-01: in the autumn hour that comes twice, crontab('*/30') fires nothing during the second pass.
#
# Guessed: a crontab that repeats by the minute keeps its interval when clocks go back, as cron does: a run each 30 minutes of elapsed
#   time, six from 00:00Z to 02:30Z.
# Behaviour: in Europe/Paris on 2026-10-25 it fires at 02:00 and 02:30 summer time (00:00Z, 00:30Z), then not before 03:00 winter time (02:00Z):
#   90 minutes without a run. crontab.is_due compares wall clock times without their offset.
# Output: fires at 00:00Z 00:30Z 02:00Z 02:30Z; longest gap 90 minutes
#
# Walks crontab.is_due() through the night as beat does, with the clock given through nowfun (a documented parameter). Needs python3 with venv.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install -q celery==5.6.3 kombu==5.7.0 tzdata==2026.6
out=$("$folder/bin/python" - <<'PYTHON'
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from celery import Celery
from celery.schedules import crontab

app = Celery('x')
app.conf.timezone = 'Europe/Paris'
paris = ZoneInfo('Europe/Paris')
now = datetime(2026, 10, 24, 23, 50, tzinfo=timezone.utc)
schedule = crontab(minute='*/30', app=app, nowfun=lambda: now.astimezone(paris))
last, fired = schedule.nowfun(), []
while now < datetime(2026, 10, 25, 2, 45, tzinfo=timezone.utc):
    is_due, _ = schedule.is_due(last)
    if is_due:
        fired.append(now)
        last = schedule.nowfun()
    now += timedelta(seconds=1)
gap = max((b - a).total_seconds() for a, b in zip(fired, fired[1:])) / 60
print('fires at', *(one.strftime('%H:%MZ') for one in fired), end=f'; longest gap {gap:.0f} minutes\n')
PYTHON
)
echo "$out"
[ "$out" = 'fires at 00:00Z 00:30Z 02:00Z 02:30Z; longest gap 90 minutes' ]

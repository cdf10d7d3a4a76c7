"""The no-op task of the bench for Celery: `celery -A bench_tasks worker`, and `python bench_tasks.py COUNT` as producer."""

import json
import os
import sys
import time

from celery import Celery

url = os.environ["BENCH_REDIS_URL"]
app = Celery("bench", broker=url, backend=url)


@app.task(name="add")
def add(x, y):
    return x + y


def trip(count):
    started = time.perf_counter()
    results = [add.delay(i, 1) for i in range(count)]
    for result in results:
        result.get(timeout=120)
    return time.perf_counter() - started


def send(count):
    add.delay(1, 1)  # connects
    started = time.perf_counter()
    for i in range(count):
        add.delay(i, 1)
    return time.perf_counter() - started


if __name__ == "__main__" and sys.argv[1] == "send":
    print(json.dumps({"seconds": send(int(sys.argv[2]))}))
elif __name__ == "__main__":
    add.delay(1, 1).get(timeout=60)  # the worker is up
    trip(max(1, int(sys.argv[1]) // 10))
    print(json.dumps({"seconds": trip(int(sys.argv[1]))}))

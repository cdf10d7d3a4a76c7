"""The Python side of the tests: one app, plain tasks. The broker and the result backend come from the environment."""
import datetime
import decimal
import os
import sys
import time
import uuid

from celery import Celery, chain, chord, group  # noqa: F401

app = Celery('proj', broker=os.environ['BROKER'], backend=os.environ.get('BACKEND', os.environ['BROKER']))
app.conf.update(
    task_default_queue=os.environ.get('QUEUE', 'celery'),
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
    task_acks_late='ACKS_LATE' in os.environ,
    broker_transport_options=(
        {'visibility_timeout': float(os.environ['VISIBILITY'])} if 'VISIBILITY' in os.environ else {}
    ),
)


@app.task(name='py.add')
def add(x, y):
    return x + y


@app.task(name='py.tsum')
def tsum(values):
    return sum(values)


@app.task(name='py.echo')
def echo(*args, **kwargs):
    return {'args': args, 'kwargs': kwargs}


@app.task(name='py.fail')
def fail(message='bad', code=42):
    raise ValueError(message, code)


@app.task(name='py.kinds')
def kinds():
    return {
        'datetime': datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
        'date': datetime.date(2026, 1, 2),
        'time': datetime.time(1, 2, 3),
        'uuid': uuid.UUID('12345678123456781234567812345678'),
        'decimal': decimal.Decimal('1.50'),
        'bytes': b'abc',
    }


@app.task(name='py.types')
def types(value):
    return type(value).__name__


@app.task(name='py.floats')
def floats():
    return [float('nan'), float('inf'), 2**60]


@app.task(name='py.sleep')
def sleep(seconds):
    time.sleep(seconds)
    return seconds


@app.task(name='py.note')
def note(where, value=None):
    with open(where, 'a') as file:
        file.write(f'{value}\n')
    return value


# Known by name only: run by the TypeScript worker.
js = {name: app.signature(name) for name in ('js.add', 'js.tsum', 'js.fail')}

if __name__ == '__main__':
    # Reads one expression a line, answers with one line each: a Python that tests ask things of.
    import json

    for line in sys.stdin:
        try:
            print(json.dumps({'ok': eval(line, globals())}, default=str), flush=True)
        except BaseException as error:  # noqa: BLE001
            kind = type(error)
            print(json.dumps({'error': str(error), 'type': kind.__name__, 'module': kind.__module__}), flush=True)

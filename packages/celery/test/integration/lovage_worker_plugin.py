"""For pytest: Celery's integration suite as it is, without its own worker. The worker of the tests is Lovage's, started beside it."""
import json
import os
import signal
import time

import celery.contrib.pytest
import pytest

LIMIT = 40  # seconds of a test


@pytest.fixture(scope='session')
def celery_session_worker(celery_session_app, celery_includes, celery_class_tasks):
    for module in celery_includes:
        celery_session_app.loader.import_task_module(module)
    for task in celery_class_tasks:
        celery_session_app.register_task(task)
    until = time.monotonic() + 60
    while not celery_session_app.control.inspect(timeout=0.2).ping():
        assert time.monotonic() < until, 'no worker answers'
    yield None


celery.contrib.pytest.celery_session_worker = celery_session_worker


def pytest_collection_modifyitems(items):
    for item in items:
        if getattr(item.module, 'TIMEOUT', 0) > 15:
            item.module.TIMEOUT = 15


def too_long(_signal, _frame):
    pytest.fail('the test takes too long')  # no Exception: redis-py takes those for its own timeouts, and tries again


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """What hangs fails within its time. Again and again: a subtest takes the first alarm for its own failure, and the test hangs on."""
    signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, LIMIT, 5)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


outcomes = {}


def pytest_runtest_logreport(report):
    """A test has passed when each of its phases and subtests has."""
    name = report.nodeid.removeprefix('t/integration/')
    outcome = 'xfailed' if hasattr(report, 'wasxfail') and report.skipped else report.outcome
    if outcome == 'passed':
        outcomes.setdefault(name, outcome)
    elif outcomes.get(name) != 'failed':
        outcomes[name] = outcome
    if report.when == 'teardown':
        with open(os.environ['LOVAGE_OUTCOMES'], 'a') as file:
            file.write(json.dumps([name, outcomes[name]]) + '\n')

"""For pytest: Celery's integration suite as it is, without its own worker. The worker of the tests is Lovage's, started beside it."""
import json
import os
import time

import celery.contrib.pytest
import pytest


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
    """What hangs fails within half a minute, not after five."""
    for item in items:
        if getattr(item.module, 'TIMEOUT', 0) > 15:
            item.module.TIMEOUT = 15
        item.add_marker(pytest.mark.timeout(45), append=False)


outcomes = {}


def pytest_runtest_logreport(report):
    """A test has passed when each of its phases and subtests has."""
    name = report.nodeid.removeprefix('t/integration/')
    outcome = 'xfailed' if hasattr(report, 'wasxfail') and report.skipped else report.outcome
    if outcome == 'passed':
        outcomes.setdefault(name, outcome)
    elif outcomes.get(name) != 'failed':
        outcomes[name] = outcome


def pytest_sessionfinish():
    if 'LOVAGE_OUTCOMES' in os.environ:
        with open(os.environ['LOVAGE_OUTCOMES'], 'w') as file:
            file.writelines(json.dumps(pair) + '\n' for pair in outcomes.items())

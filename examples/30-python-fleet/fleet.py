"""The Python side of the fleet: its tasks, and what it knows of the TypeScript side: names and queues."""

import os

from celery import Celery

url = os.environ.get("FLEET_REDIS_URL", "redis://localhost:6379/0")
app = Celery("fleet", broker=url, backend=url)
app.conf.update(task_default_queue="python", broker_connection_retry_on_startup=True)


@app.task(name="shop.fetch_orders")
def fetch_orders(country):
    """What was ordered there: amounts in cents."""
    return {"se": [1250, 890], "fr": [4000], "jp": [310, 220, 100]}[country]


# Tasks of the TypeScript worker are known by their names.
convert = app.signature("shop.convert", queue="typescript")
report = app.signature("shop.report", queue="typescript")

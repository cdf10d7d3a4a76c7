"""The classic first program of Celery: two tasks, each in its own queue."""

import os

from celery import Celery

app = Celery("tasks", broker=os.environ.get("BROKER_URL", "pyamqp://guest:guest@localhost:5672//"), backend="rpc://")
app.conf.update(
    task_routes={"add": {"queue": "add"}, "multiply": {"queue": "multiply"}}, broker_connection_retry_on_startup=True
)


@app.task(name="add")
def add(x, y):
    return x + y


@app.task(name="multiply")
def multiply(x, y):
    return x * y

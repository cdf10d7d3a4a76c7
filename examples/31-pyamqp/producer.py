"""Sends both tasks and prints 5 and 6: a Python worker or a TypeScript worker may run them."""

from tasks import add, multiply

results = [add.delay(2, 3), multiply.delay(2, 3)]
for result in results:
    print(result.get(timeout=120), flush=True)

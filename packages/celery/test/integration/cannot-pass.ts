const ownProcess = 'reaches into the memory of the worker, which Celery runs in the process of the test';

/** Tests of Celery's suite that a worker in another process and language cannot pass, with the reason (docs/celery.md). */
export const cannotPass: Readonly<Record<string, string>> = {
  'test_tasks.py::test_tasks::test_revoked_by_headers_simple_canvas': ownProcess,
  'test_tasks.py::test_tasks::test_properties':
    'returns the AMQP properties of the message, which a context does not show',
  'test_tasks.py::test_trace_log_arguments::test_task_success': ownProcess,
  'test_tasks.py::test_trace_log_arguments::test_task_failed': ownProcess,
  'test_tasks.py::test_task_replacement::test_replaced_task_nesting_level_0': ownProcess,
  'test_tasks.py::test_task_replacement::test_replaced_task_nesting_level_1': ownProcess,
  'test_tasks.py::test_task_replacement::test_replaced_task_nesting_chain': ownProcess,
  'test_canvas.py::test_chain::test_groupresult_serialization':
    'returns the handle of a canvas as a value, which a handle of TypeScript is not',
  'test_canvas.py::test_chord::test_chord_on_error':
    'reads the values of a failed chord in Redis, which are deleted when the chord has ended',
  'test_canvas.py::test_chain::test_replace_chain_with_empty_chain':
    'an empty chain is refused where it is made, with an error of its own',
};

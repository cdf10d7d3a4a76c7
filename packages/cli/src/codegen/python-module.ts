import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CommandError, usageError } from '../exit-code.ts';
import type { PythonTask } from './python-task.ts';

/** Where a Python module is, and who reads it. */
export interface PythonModule {
  readonly module: string;
  readonly interpreter: string;
}

/** Imports the module, and prints every task of its app: names, parameters as `inspect.signature` knows them, and docstrings. */
const program = `
import importlib, inspect, json, sys
sys.path.insert(0, '.')
importlib.import_module(sys.argv[1])
from celery import current_app
current_app.finalize()
app = current_app
for value in list(vars(sys.modules[sys.argv[1]]).values()):
    if type(value).__name__ == 'Celery' and hasattr(value, 'tasks'):
        app = value
app.loader.import_default_modules()
empty = inspect.Parameter.empty
kinds = {'POSITIONAL_ONLY': 'positional', 'POSITIONAL_OR_KEYWORD': 'positional', 'VAR_POSITIONAL': 'rest', 'KEYWORD_ONLY': 'keyword'}
def show(annotation):
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
def parameter(one):
    type = {} if one.annotation is empty else {'type': show(one.annotation)}
    optional = one.default is not empty
    return {'name': one.name, 'kind': kinds[one.kind.name], 'optional': optional, **type}
tasks = []
for name, task in app.tasks.items():
    if name.startswith('celery.'):
        continue
    signature = inspect.signature(task.run)
    returns = {} if signature.return_annotation is empty else {'returns': show(signature.return_annotation)}
    doc = (inspect.getdoc(task.run) or '').strip().split('\\n')[0]
    found = [parameter(one) for one in signature.parameters.values() if one.kind.name in kinds]
    tasks.append({'name': name, 'parameters': found, **returns, **({'doc': doc} if doc else {})})
print('\\n' + json.dumps(tasks))
`;

/** The tasks of a Python module's app. Throws {@link CommandError}: no such interpreter, a module that does not import. */
export async function readPythonModule({ module, interpreter }: PythonModule): Promise<readonly PythonTask[]> {
  if (!/^[\w.]+$/.test(module))
    throw usageError(`--python: expected a module such as proj.tasks, received "${module}"`);
  const run = promisify(execFile)(interpreter, ['-c', program, module], { maxBuffer: 64 * 1024 * 1024 });
  const { stdout, problem } = await run.then(
    ({ stdout }) => ({ stdout, problem: undefined }),
    ({ code, stderr }: { readonly code?: unknown; readonly stderr?: string }) => ({
      stdout: '',
      problem: { code, stderr },
    }),
  );
  if (problem?.code === 'ENOENT') throw usageError(`--interpreter: there is no "${interpreter}"`);
  if (problem !== undefined) {
    const reason = problem.stderr?.trim().split('\n').at(-1) ?? `exit code ${String(problem.code)}`;
    throw new CommandError(`Python module "${module}" cannot be read: ${reason}`, { exitCode: 1 });
  }
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as readonly PythonTask[]; // a module may print
}

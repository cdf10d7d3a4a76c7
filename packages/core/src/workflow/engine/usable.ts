import { WorkflowMisuseError } from '../../errors.ts';
import { currentTaskOrNone } from '../../task/task-context.ts';
import { currentStep } from '../step-context.ts';

/** Throws where the `w` of a run cannot be used: after the run, inside another task, inside a step. */
export function assertUsable({ id, over }: { readonly id: string; readonly over: boolean }, what: string): void {
  const task = currentTaskOrNone();
  const step = currentStep();
  if (over) {
    const problem = `${what} was called after the run had ended or left this worker: await what you start`;
    throw new WorkflowMisuseError(id, problem);
  }
  if (step) {
    const problem = `${what} was called inside step "${step.key}": a step is plain code; call it beside the step`;
    throw new WorkflowMisuseError(id, problem);
  }
  if (task !== undefined && task.id !== id)
    throw new WorkflowMisuseError(id, `${what} was called in task ${task.id}: use the w of the run itself`);
}

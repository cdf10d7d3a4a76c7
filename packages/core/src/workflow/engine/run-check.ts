import type { StoredRun } from '../../driver/workflow-store.ts';
import { silentLogger } from '../../logger.ts';
import { runAsTask, type TaskContext } from '../../task/task-context.ts';
import type { WorkflowCode } from '../workflow-code.ts';
import { type ContextParts, createContext } from './create-context.ts';
import type { EngineOptions } from './engine-options.ts';
import { RunEngine } from './run-engine.ts';

/** What comparing a run with code needs. */
export type CheckParts = Pick<ContextParts, 'canvas' | 'payloadOf'> &
  Pick<EngineOptions, 'store' | 'clock' | 'brokerClock' | 'errors' | 'limits'>;

/**
 * Replays the log of a run against code: steps that are stored hand over what is stored, no other step is run, nothing is
 * written. Resolves with how the two part; undefined where they fit.
 */
export async function checkRun(
  code: WorkflowCode,
  run: StoredRun,
  input: unknown,
  parts: CheckParts,
): Promise<Error | undefined> {
  const engine = new RunEngine({
    ...parts,
    taken: { ...run, inbox: [], lost: 0 },
    version: code.version,
    logger: silentLogger,
    signal: new AbortController().signal,
    readChild: async () => ({}),
    cancelChild: async () => undefined,
    dry: true,
  });
  const self = {
    id: run.header.id,
    rootId: run.header.id,
    log: silentLogger,
    progress: async () => undefined,
  } as unknown as TaskContext; // as much of it as a workflow reaches
  const w = createContext({ engine, self, canvas: parts.canvas, payloadOf: parts.payloadOf });
  const end = await runAsTask(self, () => engine.run(async () => code.run(w, input)));
  return end.kind === 'diverged' ? end.error : undefined;
}

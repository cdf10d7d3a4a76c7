/** Where a task is when it is revoked. */
export type RevokedWhere = 'waiting' | 'delayed' | 'retrying' | 'running' | 'ended' | 'unknown';

/** What revoking comes to. */
export interface RevokeOutcome {
  /** The state that everyone sees from then on. */
  readonly state: 'REVOKED' | 'SUCCESS';
  /** What becomes of the handler. */
  readonly handler: 'is not run' | 'is not run again' | 'runs to its end, without effect' | 'is broken off' | 'has run';
  /** When those who await the result are told. */
  readonly info: 'at once' | 'when a worker meets it' | 'before';
}

/** One case: where the task is, whether it is named by id or by a stamp, and whether running ones are broken off. */
export interface RevokeCase extends RevokeOutcome {
  readonly where: RevokedWhere;
  readonly by: 'id' | 'stamp';
  readonly terminate: boolean;
}

const notRun: RevokeOutcome = { state: 'REVOKED', handler: 'is not run', info: 'at once' };

type Rule = RevokeOutcome | ((by: RevokeCase['by'], terminate: boolean) => RevokeOutcome);

const rules: Readonly<Record<RevokedWhere, Rule>> = {
  waiting: notRun,
  delayed: notRun,
  retrying: { state: 'REVOKED', handler: 'is not run again', info: 'at once' },
  running: (_, terminate) => ({
    state: 'REVOKED',
    handler: terminate ? 'is broken off' : 'runs to its end, without effect',
    info: 'at once',
  }),
  ended: { state: 'SUCCESS', handler: 'has run', info: 'before' },
  // an id is remembered as revoked before it is sent; under a revoked stamp each task is found out when it is met
  unknown: (by) => ({ ...notRun, info: by === 'id' ? 'at once' : 'when a worker meets it' }),
};

/** What revoking does in every case, as data: the table in the docs is made from it, and a scenario walks it on every driver. */
export const revokeTable: readonly RevokeCase[] = Object.entries(rules).flatMap(([where, rule]) =>
  (['id', 'stamp'] as const).flatMap((by) =>
    [false, true].map((terminate) => ({
      where: where as RevokedWhere,
      by,
      terminate,
      ...(typeof rule === 'function' ? rule(by, terminate) : rule),
    })),
  ),
);

import { describe, it } from 'vitest';
import { batchScenarios } from './batch-scenarios.ts';
import { callingScenarios } from './calling-scenarios.ts';
import { canvasEndingScenarios } from './canvas/canvas-ending-scenarios.ts';
import { canvasIdScenarios } from './canvas/canvas-id-scenarios.ts';
import { canvasLimitScenarios } from './canvas/canvas-limit-scenarios.ts';
import { canvasRevokeScenarios } from './canvas/canvas-revoke-scenarios.ts';
import { canvasScenarios } from './canvas/canvas-scenarios.ts';
import { failureScenarios } from './canvas/failure-scenarios.ts';
import { capacityScenarios } from './capacity-scenarios.ts';
import { concurrencyScenarios } from './concurrency-scenarios.ts';
import { controlScenarios } from './control-scenarios.ts';
import { deadlineScenarios } from './deadline-scenarios.ts';
import { endingScenarios } from './ending-scenarios.ts';
import { gateScenarios } from './gate-scenarios.ts';
import { hostileScenarios } from './hostile-scenarios.ts';
import { messagingScenarios } from './messaging-scenarios.ts';
import { mistakeScenarios } from './mistake-scenarios.ts';
import { orderingScenarios } from './ordering-scenarios.ts';
import { rateScenarios } from './rate-scenarios.ts';
import { revokeScenarios } from './revoke-scenarios.ts';
import { type Scenario, ScenarioBench, type ScenarioStore } from './scenario-bench.ts';
import { uniqueScenarios } from './unique-scenarios.ts';
import { workerScenarios } from './worker-scenarios.ts';
import { workflowScenarios } from './workflow-scenarios.ts';

/** How a driver plays the scenarios. */
export interface ScenarioOptions {
  /** Makes an empty store; called once per scenario. */
  readonly open: () => Promise<ScenarioStore>;
  /** Scenarios that this driver does not play, by name, each with the reason. An unknown name is an error. */
  readonly skip?: Readonly<Record<string, string>>;
}

const all: readonly Scenario[] = [
  ...callingScenarios,
  ...endingScenarios,
  ...mistakeScenarios,
  ...workerScenarios,
  ...controlScenarios,
  ...revokeScenarios,
  ...canvasScenarios,
  ...canvasEndingScenarios,
  ...canvasIdScenarios,
  ...canvasLimitScenarios,
  ...canvasRevokeScenarios,
  ...deadlineScenarios,
  ...uniqueScenarios,
  ...batchScenarios,
  ...messagingScenarios,
  ...concurrencyScenarios,
  ...orderingScenarios,
  ...gateScenarios,
  ...capacityScenarios,
  ...rateScenarios,
  ...workflowScenarios,
  ...failureScenarios,
  ...hostileScenarios,
];

/** Whole user-visible flows through app, broker, worker and results. Call it at the top of a vitest file. */
export function scenarios(driver: string, options: ScenarioOptions): void {
  for (const name of Object.keys(options.skip ?? {})) {
    if (!all.some((scenario) => scenario.name === name)) throw new Error(`scenarios: skip names none: "${name}"`);
  }
  describe(`scenarios: ${driver}`, () => {
    for (const scenario of all) {
      it(scenario.name, { timeout: 90_000 }, async (context) => {
        const reason = options.skip?.[scenario.name];
        if (reason) context.skip(reason);
        await play(scenario, options);
      });
    }
  });
}

async function play(scenario: Scenario, options: ScenarioOptions): Promise<void> {
  const bench = new ScenarioBench(await options.open());
  try {
    if (scenario.needs && !bench.store[scenario.needs])
      throw new Error(`the store must have ${scenario.needs}, or skip this scenario with a reason`);
    await scenario.run(bench);
  } finally {
    await bench.close();
  }
}

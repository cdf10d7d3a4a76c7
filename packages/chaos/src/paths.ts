import { fileURLToPath } from 'node:url';

/** The real command. */
export const bin: string = fileURLToPath(new URL('../../lovage/dist/bin.js', import.meta.url));
/** The app that the suite's workers run, built: `tsc -b` comes before the suite. */
export const appFile: string = fileURLToPath(new URL('../dist/apps/app.js', import.meta.url));
/** A worker started in code, for what the command has no flag for. */
export const runnerFile: string = fileURLToPath(new URL('../dist/apps/runner.js', import.meta.url));
/** The app of the beat scenarios. */
export const beatAppFile: string = fileURLToPath(new URL('../dist/apps/beat-app.js', import.meta.url));
/** The app of the scenarios of durable subscriptions and gates. */
export const messagesAppFile: string = fileURLToPath(new URL('../dist/apps/messages-app.js', import.meta.url));
/** A process that takes locks, or leads. */
export const lockRunnerFile: string = fileURLToPath(new URL('../dist/apps/lock-runner.js', import.meta.url));

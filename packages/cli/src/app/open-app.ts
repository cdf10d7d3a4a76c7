import { type Logger, Lovage } from '@lovage/core';
import { explainSettings, type Setting } from '@lovage/core/inspect';
import { setOverrides } from '@lovage/core/worker';
import type { GlobalArguments } from '../command.ts';
import { CommandError, codeOf } from '../exit-code.ts';
import { settingsOf } from '../options/setting-flags.ts';
import { readConfigFile } from './config-file.ts';
import { type AppLocation, guessApp, locateApp, searchedPlaces } from './find-app.ts';
import { loadApp, NoAppError } from './load-app.ts';

/** An app for a command to work with. */
export interface OpenedApp {
  readonly app: Lovage;
  /** Where it came from; undefined for the nameless app of a command that only needs a broker. */
  readonly location: AppLocation | undefined;
  /** Its settings, by path; passwords are hidden. */
  readonly settings: ReadonlyMap<string, Setting>;
}

/** What a command asks for. */
export interface OpenOptions {
  /** Where the app's log lines go, unless it has a logger of its own. */
  readonly logger: Logger;
  /** Without an app this command cannot work. @default false */
  readonly needsApp?: boolean;
}

/**
 * Puts flags and the config file over the app's settings, then loads the app that `-A`, the config file, package.json
 * or a usual place names; a command that does not need one gets a nameless app. Throws a {@link CommandError} and
 * core's ConfigurationError for flags, variables and settings that cannot be.
 */
export async function openApp(given: GlobalArguments, options: OpenOptions): Promise<OpenedApp> {
  const cwd = process.cwd();
  const file = await readConfigFile(cwd, knownSettings());
  const flags = settingsOf({ ...given });
  const { logger } = options;
  setOverrides({ flags, file: file?.settings ?? {}, logger, ...(file ? { fileName: file.name } : {}) });
  const spec = given.app ?? file?.app;
  const location = spec === undefined ? guessApp(cwd) : locateApp(spec, cwd);
  const nameless = createNameless(location);
  if (location === undefined) {
    if (options.needsApp || nameless === undefined) throw noApp();
    return describe(nameless, undefined);
  }
  try {
    return describe(await loadApp(location), location);
  } catch (error) {
    // A tasks.ts that has nothing to do with Lovage is no reason to refuse `lovage queues`.
    if (!(error instanceof NoAppError && location.guessed && !options.needsApp && nameless)) throw error;
    return describe(nameless, undefined);
  }
}

/** No app was named, and none stands where apps usually stand. */
export function noApp(): CommandError {
  return new CommandError(`no app: name its module with -A ./tasks.ts (looked for ${searchedPlaces})`, {
    exitCode: 70,
  });
}

/** The paths of all settings, from an app that nothing is set for. */
export function knownSettings(): readonly string[] {
  setOverrides({ flags: { broker: 'memory://', backend: 'memory://' }, file: {} });
  return [...explainSettings(new Lovage('lovage')).map(({ path }) => path), 'worker.longestBlock']; // the last by its former name
}

/** Made even when there is an app: flags that cannot be are told before the user's code runs. */
function createNameless(location: AppLocation | undefined): Lovage | undefined {
  try {
    return new Lovage('lovage');
  } catch (error) {
    // The app may bring a driver of its own.
    if (location !== undefined && codeOf(error) === 'BROKER_UNKNOWN_SCHEME') return undefined;
    throw error;
  }
}

function describe(app: Lovage, location: AppLocation | undefined): OpenedApp {
  return { app, location, settings: new Map(explainSettings(app).map((setting) => [setting.path, setting])) };
}

/** A setting that is text, such as `broker`. */
export function textSetting(settings: ReadonlyMap<string, Setting>, path: string): string | undefined {
  const value = settings.get(path)?.value;
  return typeof value === 'string' ? value : undefined;
}

/** Tasks and results live in this process and nowhere else. */
export function isInProcess(settings: ReadonlyMap<string, Setting>): boolean {
  return textSetting(settings, 'broker')?.startsWith('memory:') ?? false;
}

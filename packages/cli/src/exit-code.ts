/** What the process ends with. 69, 70 and 75 are sysexits' EX_UNAVAILABLE, EX_SOFTWARE and EX_TEMPFAIL, 124 is timeout(1)'s. */
export type ExitCode = 0 | 1 | 2 | 69 | 70 | 75 | 124 | 130 | 143;

/** What a {@link CommandError} is made with. */
export interface CommandErrorOptions extends ErrorOptions {
  readonly exitCode: ExitCode;
}

/** A command's end that is told in one line: what was wrong, and the exit code it means. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, { exitCode, ...options }: CommandErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** Wrong usage: exit 2. */
export function usageError(message: string, options: ErrorOptions = {}): CommandError {
  return new CommandError(message, { exitCode: 2, ...options });
}

/** The errors of core that mean something other than 1, by their stable codes. */
const meanings: Readonly<Record<string, ExitCode>> = {
  CONFIGURATION: 2,
  BROKER_UNKNOWN_SCHEME: 2,
  BROKER_URL: 2,
  TASK_UNKNOWN: 2,
  TASK_VALIDATION: 2,
  PAYLOAD_TOO_LARGE: 2,
  PAYLOAD_NOT_SERIALIZABLE: 2,
  BROKER_UNAVAILABLE: 69,
  BROKER_AUTHENTICATION: 69,
  BROKER_TLS: 69,
  BROKER_UNSAFE: 69,
  RESULT_BACKEND_UNAVAILABLE: 69,
  CONSUMER_WEDGED: 75,
  RESULT_TIMEOUT: 124,
};

/** The exit code that an error stands for; 1 for any that has no meaning of its own. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandError) return error.exitCode;
  return meanings[codeOf(error) ?? ''] ?? 1;
}

/** The stable code of an error of core, also of another copy of it. */
export function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** What a shell reports for a process that a signal ended. */
export function exitCodeOfSignal(signal: NodeJS.Signals): ExitCode {
  return signal === 'SIGINT' ? 130 : 143;
}

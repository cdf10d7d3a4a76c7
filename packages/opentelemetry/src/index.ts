/** The door of `@lovage/opentelemetry`. */
export { type OpenTelemetryOptions, openTelemetry } from './plugin.ts';

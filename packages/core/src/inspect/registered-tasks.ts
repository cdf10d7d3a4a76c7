import type { Lovage } from '../app/app.ts';
import { runtimeOf } from '../app/app-runtime.ts';

/** The names of the tasks that an app has, stubs of remote ones too, sorted. */
export function registeredTasks(app: Lovage): readonly string[] {
  return runtimeOf(app).registry.names();
}

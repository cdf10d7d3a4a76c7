import type { Lovage } from '../app/app.ts';
import { runtimeOf } from '../app/app-runtime.ts';
import type { Setting } from '../settings/app-options.ts';
import { hideSecret } from '../stores/driver-url.ts';

/** Every setting of an app with its value and where it came from; passwords in URLs are hidden. */
export function explainSettings(app: Lovage): readonly Setting[] {
  return [...runtimeOf(app).provenance.values()].map((setting) => {
    if (setting.path === 'connection.tls')
      return { ...setting, value: setting.value === undefined ? undefined : '(set)' };
    return typeof setting.value === 'string' ? { ...setting, value: hideSecret(setting.value) } : setting;
  });
}

import { compilePattern } from '@lovage/core/driver';

/** Whether tags hold one that `--tag` names, or its glob fits; without `--tag` everything fits. Tags come from workers of any version. */
export function compileTagFilter(tag: string | undefined): (tags: unknown) => boolean {
  if (tag === undefined) return () => true;
  const fits = compilePattern(tag);
  return (tags) => Array.isArray(tags) && tags.some((one) => typeof one === 'string' && fits(one));
}

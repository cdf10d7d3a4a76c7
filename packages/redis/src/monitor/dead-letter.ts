import type { DeadLetter } from '@lovage/core/driver';

/** A dead letter from the fields that park-dead wrote. */
export function parseDeadLetter(queue: string, fields: readonly string[]): DeadLetter {
  const field = (name: string): string => {
    const index = fields.findIndex((text, at) => at % 2 === 0 && text === name);
    return (index < 0 ? undefined : fields[index + 1]) ?? '';
  };
  const task = field('task');
  return {
    id: field('id'),
    queue,
    ...(task === '' ? {} : { task }),
    at: Number(field('at')) || 0,
    reason: { name: field('reason'), message: field('message') },
    body: field('body'),
  };
}

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { page, stateDiagram, withDiagram } from './generate-state-diagram.mjs';

it('draws every legal transition, and an end for each terminal state', () => {
  expect(stateDiagram().split('\n')).toEqual(
    expect.arrayContaining(['  [*] --> PENDING', '  PENDING --> SENT', '  STARTED --> RETRY', '  REVOKED --> [*]']),
  );
});

it('docs/states.md shows the table as it is: npx tsx scripts/generate-state-diagram.mjs', () => {
  const text = readFileSync(page, 'utf8');

  expect(text).toBe(withDiagram(text));
});

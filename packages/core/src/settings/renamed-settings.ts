/** Names that settings had before, and have now. The old ones are read for one release, with a warning. */
export const renamedSettings: Readonly<Record<string, string>> = {
  'worker.longestBlock': 'worker.maxEventLoopBlock',
  LOVAGE_LONGEST_BLOCK: 'LOVAGE_MAX_EVENT_LOOP_BLOCK',
};

const warned = new Set<string>();

/** The same values under today's names; warns once for each old one. `group` is the part of the path before the names, with its dot. */
export function withCurrentNames<Given extends object>(given: Given, group = ''): Given {
  const found = Object.keys(given).filter((name) => renamedSettings[group + name] !== undefined);
  if (found.length === 0) return given;
  const result: Record<string, unknown> = Object.fromEntries(Object.entries(given));
  for (const name of found) {
    const current = renamedSettings[group + name] ?? name;
    const key = current.slice(group.length);
    result[key] ??= result[name];
    delete result[name];
    warnRenamed(group + name, current);
  }
  return result as Given;
}

/** Says once per process that a name has changed, through Node's own warnings. */
export function warnRenamed(former: string, current: string): void {
  if (warned.has(former)) return;
  warned.add(former);
  process.emitWarning(`"${former}" is now called "${current}"; the old name is accepted in this release only`, {
    type: 'DeprecationWarning',
    code: 'LOVAGE_RENAMED',
  });
}

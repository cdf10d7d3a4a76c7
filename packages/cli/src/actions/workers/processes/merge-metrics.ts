interface Family {
  readonly head: string[];
  /** By name and labels. */
  readonly samples: Map<string, number>;
}

const createFamily = (): Family => ({ head: [], samples: new Map() });

/** Names of what is counted: of two processes the sum. Of anything else with the same labels the larger one. */
const counted = /_(?:total|bucket|count|sum)$/;

/** Pages of several processes in Prometheus's text format as one. */
export function mergeMetrics(pages: readonly string[]): string {
  const families = new Map<string, Family>();
  for (const page of pages) {
    let family = createFamily();
    for (const line of page.split('\n')) {
      if (line.startsWith('#')) family = addHead(families, line);
      else if (line !== '') addSample(family, line);
    }
  }
  const texts = [...families.values()].map(({ head, samples }) =>
    [...head, ...[...samples].map(([series, value]) => `${series} ${value}`)].join('\n'),
  );
  return `${texts.join('\n')}\n`;
}

/** `# HELP name …` or `# TYPE name …`. */
function addHead(families: Map<string, Family>, line: string): Family {
  const name = line.split(' ')[2] ?? '';
  const family = families.get(name) ?? createFamily();
  families.set(name, family);
  if (!family.head.includes(line)) family.head.push(line);
  return family;
}

/** A label may hold spaces: the value is what follows the last one. */
function addSample({ samples }: Family, line: string): void {
  const space = line.lastIndexOf(' ');
  const series = line.slice(0, space);
  const value = Number(line.slice(space + 1));
  const there = samples.get(series);
  const name = series.split('{')[0] ?? '';
  if (there === undefined) samples.set(series, value);
  else samples.set(series, counted.test(name) ? there + value : Math.max(there, value));
}

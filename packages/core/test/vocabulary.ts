/** A word that is not to come back, and what the field says. */
export interface RetiredWord {
  readonly word: string;
  readonly instead: string;
}

/** What one file says in its own name: identifiers, and the texts that users and operators read. */
export interface Spoken {
  readonly file: string;
  readonly identifiers: readonly string[];
  readonly texts: readonly string[];
}

const retired = (list: Readonly<Record<string, string>>): readonly RetiredWord[] =>
  Object.entries(list).map(([word, instead]) => ({ word, instead }));

/** Words of the old vocabulary: in no identifier, as a word of its own (`doomTools` has two). */
export const retiredInNames: readonly RetiredWord[] = retired({
  admission: 'semaphore',
  admissions: 'concurrency limiter',
  apart: 'cluster, or other slot',
  bell: 'notifier',
  doom: 'fail dependents',
  fanout: 'broadcast membership',
  heed: 'obey',
  hurry: 'force',
  intake: 'queue reader',
  janitor: 'reconciler',
  misfit: 'pipe type error',
  parcel: 'outgoing entry',
  patience: 'max wait',
  patiently: 'retry until aborted',
  quietly: 'log errors',
  ring: 'notification',
  rings: 'notifications',
  stray: 'orphan, or pending',
  strays: 'orphans, or pending entries',
  tame: 'sanitize',
  tenaciously: 'retry with backoff',
  tidy: 'reconcile',
  told: 'notified',
  upkeep: 'maintenance',
  watchman: 'lease renewal thread',
  whereabouts: 'location',
  whom: 'workers',
});

/** Words that name processes as persons, or a thing by the old vocabulary: in no error, log line or help text. */
export const retiredInTexts: readonly RetiredWord[] = retired({
  admission: 'concurrency',
  heeds: 'obeys',
  misfit: 'type error',
  nobody: 'no process, or no worker',
  parcel: 'entry',
  patience: 'timeout',
  somebody: 'a process, or a worker',
  strays: 'pending entries',
  told: 'notified',
  trouble: 'error',
  upkeep: 'maintenance',
  watchman: 'lease renewal thread',
  whoever: 'the worker that',
});

/** `doomTools` → doom, tools; `#keepEarly` → keep, early; `MAX_WAIT` → max, wait. */
export function wordsOf(identifier: string): readonly string[] {
  return identifier
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

const token =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|(?<=(?:[=(,:[!&|?{};+*%~^<>-]|\breturn|^)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[dgimsuvy]*|#?[A-Za-z_$][\w$]*/g;

/** Reads what a source file says. Module names are no texts; a template's expressions are read as text, which is near enough. */
export function readSpoken(file: string, code: string): Spoken {
  const [identifiers, texts]: [string[], string[]] = [[], []];
  for (const match of code.matchAll(token)) {
    const [found] = match;
    if (/^[#A-Za-z_$]/.test(found)) identifiers.push(found);
    else if (/^['"`]/.test(found) && !/(?:\bfrom|\bimport\(?)\s*$/.test(code.slice(0, match.index)))
      texts.push(found.slice(1, -1));
  }
  return { file, identifiers, texts };
}

/** Every use of a retired word, as `file: name: say … instead`. Texts of one word are values on the wire, and Lua has names of its own. */
export function retiredUses({ file, identifiers, texts }: Spoken): readonly string[] {
  const find = (said: string, words: readonly RetiredWord[]): readonly string[] => {
    const own = new Set(wordsOf(said));
    return words
      .filter(({ word }) => own.has(word))
      .map(({ word, instead }) => `${file}: ${said}: "${word}": say ${instead}`);
  };
  const names = [...new Set(identifiers)].flatMap((name) => find(name, retiredInNames));
  const sentences = texts.filter((text) => /\s/.test(text.trim()) && !text.includes('--[['));
  return [...names, ...sentences.flatMap((text) => find(text, retiredInTexts))];
}

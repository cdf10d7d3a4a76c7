import { useEffect, useState } from 'preact/hooks';
import { screens } from '../screens.ts';
import { go, href, sample } from '../state.ts';
import { Modal } from './basics.tsx';

interface Entry {
  readonly kind: string;
  readonly text: string;
  readonly to: string;
}

/** Everything that has a screen, by its name; what looks like an id is one. */
function entries(word: string): readonly Entry[] {
  const { queues = [], workers = [], tasks = [] } = sample.value ?? {};
  const all: readonly Entry[] = [
    ...screens.map(({ name, path }) => ({ kind: 'screen', text: name, to: href([path]) })),
    ...queues.map(({ queue }) => ({ kind: 'queue', text: queue, to: href(['queues', queue]) })),
    ...[...new Set(tasks.map(({ task }) => task))].flatMap((task) => [
      { kind: 'runs of', text: task, to: href(['runs'], { task }) },
      { kind: 'send', text: task, to: href(['tasks', task]) },
    ]),
    ...workers.map(({ name }) => ({ kind: 'worker', text: name, to: href(['workers'], { worker: name }) })),
  ];
  const wanted = word.trim().toLowerCase();
  const found = all.filter(({ kind, text }) => `${kind} ${text}`.toLowerCase().includes(wanted)).slice(0, 12);
  return wanted.length < 6 ? found : [...found, { kind: 'run', text: word.trim(), to: href(['run', word.trim()]) }];
}

/** Ctrl-K: goes anywhere by typing. */
export function Palette({ onClose }: { onClose: () => void }) {
  const [word, setWord] = useState('');
  const [at, setAt] = useState(0);
  const found = entries(word);
  const chosen = Math.min(at, found.length - 1);
  const open = (entry: Entry | undefined) => {
    if (entry === undefined) return;
    onClose();
    go(entry.to);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setAt((chosen + 1) % Math.max(1, found.length));
    else if (event.key === 'ArrowUp') setAt((chosen - 1 + found.length) % Math.max(1, found.length));
    else if (event.key === 'Enter') open(found[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <Modal title="Go to" onClose={onClose}>
      <input
        type="text"
        class="palette"
        role="combobox"
        aria-label="A screen, queue, task, worker, or the id of a run"
        aria-expanded="true"
        aria-controls="found"
        aria-activedescendant={found.length > 0 ? `found-${chosen}` : undefined}
        placeholder="A screen, queue, task, worker, or the id of a run"
        value={word}
        onInput={(event) => {
          setWord(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={press}
      />
      <div id="found" role="listbox" aria-label="Found">
        {found.map((entry, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field above
          <div
            key={entry.to}
            id={`found-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            onClick={() => open(entry)}
          >
            <small>{entry.kind}</small> {entry.text}
          </div>
        ))}
      </div>
    </Modal>
  );
}

/** Ctrl-K or ⌘K opens it. */
export function usePalette(): readonly [boolean, (open: boolean) => void] {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      setOpen(true);
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
  return [open, setOpen];
}

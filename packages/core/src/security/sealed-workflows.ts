import type { InboxItem, NewRun, RunChange, RunHeader, StoredRun, WorkflowStore } from '../driver/workflow-store.ts';
import type { Sealer } from './sealer.ts';
import { TextSeal } from './text-seal.ts';

/** The parts of runs, sealed and opened, each bound to its run and place. */
class RunSeal {
  readonly #seal: TextSeal;

  constructor(sealer: Sealer) {
    this.#seal = new TextSeal(sealer, 'workflow', 'any');
  }

  header(of: RunHeader): RunHeader {
    const open = (name: 'call' | 'note' | 'outcome', text: string): string => this.#seal.open(text, of.id, name);
    return {
      ...of,
      call: open('call', of.call),
      ...(of.note === undefined ? {} : { note: open('note', of.note) }),
      ...(of.outcome === undefined ? {} : { outcome: open('outcome', of.outcome) }),
    };
  }

  item(id: string, of: InboxItem): InboxItem {
    return { ...of, body: this.#seal.open(of.body, id, 'inbox', of.kind, of.name) };
  }

  sealItem<T extends Pick<InboxItem, 'kind' | 'name' | 'body'>>(id: string, of: T): T {
    return { ...of, body: this.#seal.seal(of.body, id, 'inbox', of.kind, of.name) };
  }

  run<T extends StoredRun>(of: T): T {
    const { id } = of.header;
    return {
      ...of,
      header: this.header(of.header),
      log: new Map([...of.log].map(([key, text]) => [key, this.#seal.open(text, id, 'log', key)])),
      inbox: of.inbox.map((one) => this.item(id, one)),
    };
  }

  sealNew<T extends NewRun>(id: string, of: T): T {
    return { ...of, call: this.#seal.seal(of.call, id, 'call') };
  }

  sealChange(id: string, of: RunChange): RunChange {
    const texts = (list: NonNullable<RunChange['entries']>): NonNullable<RunChange['entries']> =>
      list.map(([key, text]) => [key, this.#seal.seal(text, id, 'log', key)] as const);
    const field = (name: 'call' | 'note' | 'outcome'): object => {
      const text = of.header?.[name];
      return text === undefined ? {} : { [name]: this.#seal.seal(text, id, name) };
    };
    return {
      ...of,
      ...(of.entries ? { entries: texts(of.entries) } : {}),
      ...(of.marks ? { marks: texts(of.marks) } : {}),
      ...(of.header ? { header: { ...of.header, ...field('call'), ...field('note'), ...field('outcome') } } : {}),
    };
  }
}

/** Workflow runs whose calls, steps, events and outcomes are sealed. Reading what cannot be opened throws. */
export function sealWorkflows(inner: WorkflowStore, sealer: Sealer): WorkflowStore {
  const seal = new RunSeal(sealer);
  return {
    take: async (request) => seal.run(await inner.take(seal.sealNew(request.id, request))),
    append: async (id, of) => inner.append(id, seal.sealChange(id, of)),
    park: async (id, of, seen) => inner.park(id, seal.sealChange(id, of), seen),
    deliver: async (id, of, create) => inner.deliver(id, seal.sealItem(id, of), create && seal.sealNew(id, create)),
    inbox: async (id, after) => (await inner.inbox(id, after)).map((one) => seal.item(id, one)),
    read: async (id) => {
      const found = await inner.read(id);
      return found && seal.run(found);
    },
    list: async (filter) => (await inner.list(filter)).map((one) => seal.header(one)),
    forget: (ids) => inner.forget(ids),
    sweep: () => inner.sweep(),
  };
}

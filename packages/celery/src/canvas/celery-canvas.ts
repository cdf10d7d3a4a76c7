import {
  type CanvasNode,
  type CanvasPlace,
  ConfigurationError,
  type Message,
  memberId,
  type NativeCanvas,
  NotSupportedError,
  ownIdOf,
  type ResultBackend,
} from '@lovage/core/driver';
import type { Fields } from '../protocol/json-schema.ts';
import { type CelerySignature, signatureToJson, withOptions } from '../protocol/signature.ts';
import type { HeldTask } from '../worker/held-task.ts';
import type { Settler } from '../worker/settler.ts';
import { type Applied, type ApplyContext, applySignature } from './apply.ts';
import { signatureOf } from './from-node.ts';
import { chordOf } from './normalize.ts';

/** What sending canvases needs. */
export interface CeleryCanvasParts {
  readonly now: () => number;
  readonly defaultQueue: string;
  readonly priority: (own: number) => number;
  /** Sends what a canvas starts with; sizes of chords are told first. */
  readonly send: (applied: Applied) => Promise<void>;
  readonly settler: () => Settler;
  /** Listens for these before they are sent; members of a group with the group's id. */
  readonly expect: (ids: readonly string[], inbox: string, group?: string) => Promise<void>;
  readonly saveGroup: (id: string, members: readonly string[]) => Promise<void>;
  /** A delivery that is being worked on. */
  readonly find: (id: string) => HeldTask | undefined;
  readonly storeIn?: (results: ResultBackend) => boolean;
}

/** Sends canvases as Celery's signatures, whose steps any worker of either language carries on. */
export class CeleryCanvas implements NativeCanvas {
  readonly #parts: CeleryCanvasParts;

  constructor(parts: CeleryCanvasParts) {
    this.#parts = parts;
  }

  storeIn(results: ResultBackend): boolean {
    return this.#parts.storeIn?.(results) ?? false;
  }

  async send(canvas: CanvasNode, { id, rootId, parentId, replyTo }: CanvasPlace): Promise<void> {
    const signature = signatureOf(canvas, id, this.#parts);
    const applied = this.#apply(signature, { rootId, parentId, replyTo });
    const members = memberIdsOf(canvas, id);
    if (members !== undefined) await this.#parts.saveGroup(id, members);
    if (replyTo !== undefined) await this.#listen(id, members, replyTo);
    await this.#parts.send(applied);
  }

  /** The new one has the old one's id, and all that was to follow it. */
  async replace(message: Message, canvas: CanvasNode): Promise<void> {
    const held = this.#held(message);
    const { embed, headers, properties } = held.task;
    const whole = signatureOf(canvas, memberIdsOf(canvas, '') === undefined ? message.id : undefined, this.#parts);
    const ended = memberIdsOf(canvas, '') === undefined ? whole : chordOf(whole, accumulate(message.id, held.queue));
    const follows: Fields = {
      ...(embed.callbacks.length > 0 ? { link: embed.callbacks.map(signatureToJson) } : {}),
      ...(embed.errbacks.length > 0 ? { link_error: embed.errbacks.map(signatureToJson) } : {}),
      ...(embed.chord ? { chord: signatureToJson(embed.chord) } : {}),
      ...(headers.group ? { group_id: headers.group, group_index: headers.group_index ?? null } : {}),
      replaced_task_nesting: Number(headers.replaced_task_nesting ?? 0) + 1,
    };
    const replyTo = typeof properties.reply_to === 'string' ? properties.reply_to : undefined;
    const applied = this.#apply(withOptions(ended, follows), {
      rootId: message.rootId ?? message.id,
      parentId: message.id,
      replyTo,
      chain: embed.chain,
    });
    await this.#parts.send(applied);
    held.replaced = true;
  }

  async addToChord(message: Message, canvas: CanvasNode): Promise<void> {
    const { task } = this.#held(message);
    const { group } = task.headers;
    if (task.embed.chord === undefined || typeof group !== 'string') {
      throw new ConfigurationError(`self.addToChord: task ${message.id} is not the end of a chord's header member`);
    }
    const settler = this.#parts.settler();
    if (!settler.countsChords)
      throw new NotSupportedError('these results count no members of chords: use Redis for results');
    await settler.growChord(group);
    const member = withOptions(signatureOf(canvas, undefined, this.#parts), {
      group_id: group,
      chord: signatureToJson(task.embed.chord),
    });
    await this.#parts.send(this.#apply(member, { rootId: message.rootId ?? message.id, parentId: message.id }));
  }

  #apply(signature: CelerySignature, context: Omit<ApplyContext, 'defaultQueue' | 'now'>): Applied {
    const { defaultQueue, now } = this.#parts;
    const applied = applySignature(signature, { ...context, defaultQueue, now: now() });
    if (applied.sizes.length > 0 && !this.#parts.settler().countsChords) {
      throw new NotSupportedError(
        'chords, and groups with a step behind them, need results in Redis (backend: celery+redis://…): RPC results cannot count members, as in Celery',
      );
    }
    return applied;
  }

  #listen(id: string, members: readonly string[] | undefined, inbox: string): Promise<void> {
    return members === undefined ? this.#parts.expect([id], inbox) : this.#parts.expect(members, inbox, id);
  }

  #held({ id }: Message): HeldTask {
    const held = this.#parts.find(id);
    if (held) return held;
    throw new NotSupportedError(`task ${id} does not run in this process's worker: it cannot be replaced from here`);
  }
}

/** The ids of the members that a canvas ends with, where it ends with a group. */
function memberIdsOf(node: CanvasNode, id: string): readonly string[] | undefined {
  if (node.kind === 'sequence') return memberIdsOf(node.steps.at(-1) as CanvasNode, id);
  return node.kind === 'group'
    ? node.members.map((member, index) => ownIdOf(member) ?? memberId(id, index))
    : undefined;
}

/** Celery's task that gives its arguments back: a group in a task's place ends as a list. */
function accumulate(id: string, queue: string): CelerySignature {
  return {
    task: 'celery.accumulate',
    args: [],
    kwargs: { index: 0 },
    options: { task_id: id, queue },
    subtask_type: null,
    immutable: false,
  };
}

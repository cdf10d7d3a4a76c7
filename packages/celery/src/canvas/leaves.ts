import type { JsonValue } from '@lovage/core/driver';
import type { Fields } from '../protocol/json-schema.ts';
import { type CelerySignature, parseSignature, signatureToJson, withOptions } from '../protocol/signature.ts';
import { flatSteps, membersOf } from './normalize.ts';

/** The chord whose header is marked. */
export interface ChordMark {
  readonly groupId: string;
  readonly body: Fields;
  /** How many ends the header has so far; counted on. */
  ends: number;
}

/**
 * Says to each end of a header member that it is one: of a chain its last step, of a group its members, of a chord its body.
 * The chord counts ends, so that each must tell exactly once.
 */
export function markEnds(member: CelerySignature, mark: ChordMark): CelerySignature {
  switch (member.subtask_type) {
    case 'chain': {
      const steps = flatSteps(member);
      const last = steps.at(-1);
      if (last === undefined) return member;
      const { link: _link, link_error: _error, chain: _chain, task_id: _id, ...options } = member.options;
      return {
        ...member,
        args: [],
        options,
        kwargs: { tasks: [...steps.slice(0, -1), markEnds(last, mark)].map(signatureToJson) },
      };
    }
    case 'group': {
      const members = membersOf(member.kwargs.tasks as JsonValue);
      return { ...member, kwargs: { tasks: members.map((inner) => signatureToJson(markEnds(inner, mark))) } };
    }
    case 'chord': {
      const body = parseSignature(member.kwargs.body);
      if (body === undefined) return member;
      return { ...member, kwargs: { ...member.kwargs, body: signatureToJson(markEnds(body, mark)) } };
    }
    default:
      return withOptions(member, { group_id: mark.groupId, group_index: mark.ends++, chord: mark.body });
  }
}

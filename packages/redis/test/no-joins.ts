/** Cases of the broker's exam for drivers whose acks record members of groups. */
const joinCases = [
  'ack with a join stores the outcome, records the member and removes the message',
  'the ack of one member waits for what follows when its group is complete',
  'ack with a join counts with members that joined otherwise, and learns the size from them',
  'ack with a join where another outcome stands records nothing, and asks what to do',
  'a member whose follow-up is given up goes back and comes again',
  'a stale ack with a join stores nothing, records nothing and asks nothing',
];

/** Skips them all. */
export function skipJoins(reason: string): Readonly<Record<string, string>> {
  return Object.fromEntries(joinCases.map((name) => [name, reason]));
}

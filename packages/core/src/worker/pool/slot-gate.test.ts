import { describe, expect, it } from 'vitest';
import { SlotGate } from './slot-gate.ts';

describe('the slot gate', () => {
  it('lets in as many as there are slots, the others in order as slots come free or are added', () => {
    const gate = new SlotGate(2);
    const order: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) gate.enter(() => order.push(name));
    expect([order, gate.busy]).toEqual([['a', 'b'], 2]);
    gate.leave();
    expect(order).toEqual(['a', 'b', 'c']);
    gate.setSlots(4);
    expect(order).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('gives slots back before it lets in more, when there are fewer', () => {
    const gate = new SlotGate(2);
    const order: string[] = [];
    for (const name of ['a', 'b', 'c']) gate.enter(() => order.push(name));
    gate.setSlots(1);
    gate.leave();
    expect(order).toEqual(['a', 'b']);
    gate.leave();
    expect(order).toEqual(['a', 'b', 'c']);
  });

  it('tells the broker its room once per turn: the slots, and the deliveries that hold none', async () => {
    const gate = new SlotGate(2);
    const info: number[] = [];
    gate.onChange = (slots) => info.push(slots);
    for (let item = 0; item < 5; item += 1) gate.addExtra(1);
    await Promise.resolve();
    gate.addExtra(-5);
    gate.setSlots(3);
    await Promise.resolve();
    expect(info).toEqual([7, 3]);
  });
});

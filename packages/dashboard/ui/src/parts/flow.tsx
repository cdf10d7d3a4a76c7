import type { WorkerReport } from '@lovage/core/inspect';
import type { Sample, SampledQueue } from '../../../src/sampler.ts';
import { clip, count, plural, time } from '../format.ts';
import { href } from '../state.ts';
import { Empty } from './basics.tsx';

/** Of each side, so many are drawn; the busiest queues, and the workers by name. */
const mostDrawn = 8;
const box = { height: 58, gap: 14, width: 250, middle: 200, slot: 14 };
const width = 2 * box.width + box.middle;

/** Queues as tanks, workers as slots, and what flows between them a second. */
export function Flow({ now }: { now: Sample }) {
  const queues = [...now.queues]
    .sort((a, b) => b.waiting - a.waiting || (b.rate ?? 0) - (a.rate ?? 0))
    .slice(0, mostDrawn);
  const workers = [...now.workers].sort((a, b) => a.name.localeCompare(b.name)).slice(0, mostDrawn);
  if (queues.length === 0 && workers.length === 0)
    return <Empty command="npx lovage dev">There is no queue and no worker yet.</Empty>;
  const rows = Math.max(queues.length, workers.length, 1);
  const height = rows * (box.height + box.gap) - box.gap;
  const yOf = (index: number, of: number): number =>
    index * (box.height + box.gap) + ((rows - of) * (box.height + box.gap)) / 2;
  const more = [
    now.queues.length > queues.length ? plural(now.queues.length - queues.length, 'queue') : '',
    now.workers.length > workers.length ? plural(now.workers.length - workers.length, 'worker') : '',
  ].filter((text) => text !== '');
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard
    <section class="scroll flow" aria-label="Queues and workers" tabIndex={0}>
      <svg viewBox={`0 -2 ${width} ${height + 4}`} width={width} height={height + 4}>
        <title>Queues on the left, workers on the right</title>
        {queues.flatMap((queue, from) =>
          workers
            .map((worker, to) => ({ worker, to }))
            .filter(({ worker }) => worker.queues.includes(queue.queue))
            .map(({ worker, to }) => (
              <Pipe
                key={`${queue.queue} ${worker.name}`}
                from={yOf(from, queues.length) + box.height / 2}
                to={yOf(to, workers.length) + box.height / 2}
                busy={worker.running.some((one) => one.queue === queue.queue) || (queue.rate ?? 0) > 0}
                stopped={queue.paused}
              />
            )),
        )}
        {queues.map((queue, index) => (
          <Tank key={queue.queue} queue={queue} y={yOf(index, queues.length)} />
        ))}
        {workers.map((worker, index) => (
          <Slots key={worker.name} worker={worker} y={yOf(index, workers.length)} />
        ))}
        {workers.length === 0 && (
          <text class="none" x={width - box.width / 2} y={height / 2} text-anchor="middle">
            no worker answers
          </text>
        )}
      </svg>
      {more.length > 0 && <p class="calm">and {more.join(' and ')} more</p>}
    </section>
  );
}

function Pipe({ from, to, busy, stopped }: { from: number; to: number; busy: boolean; stopped: boolean }) {
  const [left, right] = [box.width, box.width + box.middle];
  const middle = (left + right) / 2;
  return (
    <path
      class={`pipe ${stopped ? 'stopped' : busy ? 'busy' : ''}`}
      d={`M${left} ${from} C${middle} ${from} ${middle} ${to} ${right} ${to}`}
    />
  );
}

function Tank({ queue, y }: { queue: SampledQueue; y: number }) {
  const { queue: name, waiting, oldest, paused, rate } = queue;
  const level = Math.min(1, Math.log10(waiting + 1) / 5); // full at 100,000
  const detail = [
    `${count(waiting)} waiting`,
    oldest !== undefined && waiting > 0 ? `oldest ${time(oldest)}` : '',
    paused ? 'paused' : '',
  ].filter((text) => text !== '');
  return (
    <a href={href(['queues', name])}>
      <rect class="tank" x="0.5" y={y} width={box.width - 1} height={box.height} rx="8" />
      <rect
        class={`fill ${paused ? 'stopped' : ''}`}
        x="1.5"
        y={y + box.height - 6}
        width={Math.max(0, (box.width - 3) * level)}
        height="5"
        rx="2.5"
      />
      <text class="name" x="14" y={y + 22}>
        {clip(name, 24)}
      </text>
      <text x="14" y={y + 42}>
        {detail.join(' · ')}
      </text>
      <text class="rate" x={box.width - 12} y={y + 22} text-anchor="end">
        {rate === undefined ? '' : `${rate < 10 ? rate.toFixed(1) : count(Math.round(rate))}/s`}
      </text>
    </a>
  );
}

function Slots({ worker, y }: { worker: WorkerReport; y: number }) {
  const { name, slots, running } = worker;
  const x = box.width + box.middle;
  const drawn = Math.min(slots, 14);
  const busy = Math.min(drawn, Math.ceil((running.length / Math.max(1, slots)) * drawn));
  return (
    <a href={href(['workers'], { worker: name })}>
      <rect class="tank" x={x + 0.5} y={y} width={box.width - 1} height={box.height} rx="8" />
      <text class="name" x={x + 14} y={y + 22}>
        {clip(name, 22)}
      </text>
      <text class="rate" x={x + box.width - 12} y={y + 22} text-anchor="end">
        {`${running.length}/${slots}`}
      </text>
      {Array.from({ length: drawn }, (_, index) => (
        <rect
          key={index}
          class={index < busy ? 'slot busy' : 'slot'}
          x={x + 14 + index * (box.slot + 2)}
          y={y + 33}
          width={box.slot - 2}
          height={box.slot - 2}
          rx="2.5"
        />
      ))}
    </a>
  );
}

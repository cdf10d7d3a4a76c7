import { post } from '../api.ts';
import { clock, time } from '../format.ts';
import { Act, Card, Empty, Facts, Head, Loading, State, Trouble } from '../parts/basics.tsx';
import { attempt, href, sample, useData } from '../state.ts';

interface Schedule {
  readonly name: string;
  readonly source: string;
  readonly state: string;
  readonly whenText: string;
  readonly tasks: readonly string[];
  readonly catchUp: unknown;
  readonly overlap: unknown;
  readonly lastSlot?: string;
  readonly nextSlot?: string;
  readonly next: readonly string[];
}

/** How far the ribbon reaches, in milliseconds. */
const ahead = 86_400_000;

/** The periodic entries with what they fire next. */
export function SchedulesScreen() {
  const { data, error } = useData<readonly Schedule[]>('api/schedules');
  return (
    <>
      <Head title="Schedules" lead="What a beat fires, and when." />
      <Trouble error={error} />
      {data === undefined && !error && <Loading />}
      {data?.length === 0 && (
        <Card>
          <Empty command="npx lovage schedule add hourly TASK --every 1h">
            There is no schedule: declare one with app.schedule, or add one.
          </Empty>
        </Card>
      )}
      {data?.map((schedule) => (
        <ScheduleCard key={schedule.name} schedule={schedule} />
      ))}
    </>
  );
}

function ScheduleCard({ schedule }: { schedule: Schedule }) {
  const { name, state, whenText, tasks, lastSlot, nextSlot, catchUp, overlap, source } = schedule;
  const act = (what: string, done: string) => attempt(done, () => post(['schedules', name, what]));
  const now = sample.value?.at ?? Date.now();
  return (
    <Card
      title={
        <>
          {name} <State of={state} />
        </>
      }
      tools={
        <>
          <Act small onClick={() => act('run', `${name} was sent now.`)}>
            Run now
          </Act>
          {state === 'paused' ? (
            <Act small onClick={() => act('resume', `${name} goes on.`)}>
              Resume
            </Act>
          ) : (
            <Act small onClick={() => act('pause', `${name} is paused.`)} disabled={state !== 'active'}>
              Pause
            </Act>
          )}
        </>
      }
    >
      <Facts
        of={[
          ['when', whenText],
          [
            'tasks',
            tasks.map((task) => (
              <a key={task} href={href(['runs'], { task })}>
                {task}{' '}
              </a>
            )),
          ],
          ['last', lastSlot ? clock(lastSlot) : 'never'],
          ['next', nextSlot ? `${clock(nextSlot)}, in ${time(Math.max(0, Date.parse(nextSlot) - now))}` : 'none'],
          ['missed slots', catchUp === undefined ? undefined : String(catchUp)],
          ['overlap', String(overlap)],
          ['declared in', source],
        ]}
      />
      <Ribbon slots={schedule.next} now={now} />
    </Card>
  );
}

/** The next slots on a line of a day, or of as long as the next twenty take. */
function Ribbon({ slots, now }: { slots: readonly string[]; now: number }) {
  const times = slots.map((slot) => Date.parse(slot));
  const last = times.at(-1);
  if (last === undefined) return null;
  const reach = Math.min(Math.max(last - now, 60_000), Math.max(ahead, (times[0] ?? now) - now + 60_000));
  const shown = times.filter((at) => at - now <= reach && at >= now);
  return (
    <figure class="chart ribbon">
      <svg viewBox="0 0 1000 20" role="img" aria-label={`The next ${shown.length} slots, up to ${clock(now + reach)}`}>
        <line class="axis" x1="0" x2="1000" y1="10" y2="10" />
        {shown.map((at) => (
          <circle key={at} cx={6 + ((at - now) / reach) * 988} cy="10" r="5">
            <title>{clock(at)}</title>
          </circle>
        ))}
      </svg>
      <p>
        now
        <span class="push" />
        in {time(reach)}
      </p>
    </figure>
  );
}

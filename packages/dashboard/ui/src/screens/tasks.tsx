import type { DescribedTask, MinuteCounts } from '@lovage/core/inspect';
import { useState } from 'preact/hooks';
import { address, post } from '../api.ts';
import { argsText, count, time } from '../format.ts';
import { Act, Card, Command, Copy, Empty, Head, Loading, RunLink, Trouble } from '../parts/basics.tsx';
import { MinuteChart } from '../parts/chart.tsx';
import { ArgsForm } from '../parts/schema-form.tsx';
import { Table } from '../parts/table.tsx';
import { attempt, href, route, sample, useData } from '../state.ts';

/** The tasks of the app, with their signatures. */
export function TasksScreen() {
  const { data, error } = useData<readonly DescribedTask[]>('api/tasks');
  const stats = (task: string) => sample.value?.tasks.filter((one) => one.task === task) ?? [];
  return (
    <>
      <Head title="Tasks" lead="What this app can be asked for." />
      <Trouble error={error} />
      {data === undefined && !error && <Loading />}
      {data && (
        <Card>
          {data.length === 0 ? (
            <Empty command="npx lovage dashboard -A ./tasks.ts">
              This dashboard knows no tasks: it was started without the app's module.
            </Empty>
          ) : (
            <Table
              label="Tasks"
              rows={data}
              id={({ name }) => name}
              columns={[
                { name: 'task', cell: ({ name }) => <a href={href(['tasks', name])}>{name}</a> },
                { name: 'signature', cell: ({ signature }) => <code class="what">{signature}</code>, wide: true },
                {
                  name: 'last 5 min',
                  cell: ({ name }) => count(stats(name).reduce((sum, one) => sum + one.succeeded + one.failed, 0)),
                  number: true,
                },
                { name: 'run p95', cell: ({ name }) => time(stats(name)[0]?.runP95), number: true, wide: true },
                {
                  name: '',
                  cell: ({ name }) => (
                    <a href={href(['tasks', name])} aria-label={`Send ${name}`}>
                      Send
                    </a>
                  ),
                },
              ]}
            />
          )}
        </Card>
      )}
    </>
  );
}

/** One task: a form that sends it, and what to write to call it. */
export function TaskScreen({ name }: { name: string }) {
  const { data, error } = useData<readonly DescribedTask[]>('api/tasks');
  const minutes = useData<readonly MinuteCounts[]>(address(['minutes'], { task: name, count: '60' })).data;
  const [known, setKnown] = useState<DescribedTask>();
  const found = data?.find((task) => task.name === name);
  if (found && known === undefined) setKnown(found);
  const task = known ?? found;
  return (
    <>
      <Head title={name} lead={task ? <code>{task.signature}</code> : 'Task'}>
        <a class="button" href={href(['runs'], { task: name })}>
          Its runs
        </a>
        <a class="button" href={href(['failures'], { task: name })}>
          Its failures
        </a>
      </Head>
      <Trouble error={error} />
      {data && task === undefined && (
        <Card>
          <Empty command={`npx lovage call ${name}`}>
            This dashboard's app does not have this task: it can be called by name.
          </Empty>
        </Card>
      )}
      {task && <Send task={task} />}
      {minutes && (
        <Card title="Last hour">
          <MinuteChart minutes={minutes} label={`Attempts of ${name}`} />
        </Card>
      )}
    </>
  );
}

function Send({ task }: { task: DescribedTask }) {
  const given = route.value.query.get('args');
  const [args, setArgs] = useState<readonly unknown[] | undefined>(() => parse(given) ?? task.example);
  const [sent, setSent] = useState<readonly string[]>([]);
  const send = async () => {
    const done = await attempt<{ id: string }>('Sent.', () => post(['tasks', task.name, 'send'], { args }));
    if (done) setSent([done.id, ...sent].slice(0, 5));
  };
  return (
    <div class="columns">
      <Card title="Send one">
        <ArgsForm schema={task.args} value={args ?? task.example} onChange={setArgs} />
        <div class="tools">
          <Act kind="main" disabled={args === undefined} onClick={send}>
            Send
          </Act>
          {sent.length > 0 && (
            <span>
              sent:{' '}
              {sent.map((id) => (
                <RunLink key={id} id={id} />
              ))}
            </span>
          )}
        </div>
      </Card>
      <Card title="From code or a terminal">
        <Snippets name={task.name} args={args ?? task.example} />
      </Card>
    </div>
  );
}

function parse(text: string | null): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined; // none is given
  }
}

function Snippets({ name, args }: { name: string; args: readonly unknown[] }) {
  const code = `const result = await app.sendTask(${JSON.stringify(name)}, [${argsText(args)}]);\nconsole.log(await result.get({ timeout: '10s' }));`;
  const words = args.map((value) => quote(typeof value === 'string' ? value : JSON.stringify(value)));
  return (
    <>
      <p>
        <Command text={['npx lovage call', quote(name), ...words].join(' ')} />
      </p>
      <div class="json">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard */}
        <pre tabIndex={0} data-label="TypeScript">
          {code}
        </pre>
        <Copy text={code} />
      </div>
    </>
  );
}

function quote(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

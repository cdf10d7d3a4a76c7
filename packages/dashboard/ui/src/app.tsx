import { useEffect, useRef, useState } from 'preact/hooks';
import { needsSignIn, signIn } from './api.ts';
import { plural } from './format.ts';
import { Modal } from './parts/basics.tsx';
import { Palette, usePalette } from './parts/palette.tsx';
import { AuditScreen } from './screens/audit.tsx';
import { BrokerScreen } from './screens/broker.tsx';
import { FailuresScreen } from './screens/failures.tsx';
import { NowScreen } from './screens/now.tsx';
import { QueueScreen, QueuesScreen } from './screens/queues.tsx';
import { RunScreen } from './screens/run.tsx';
import { RunsScreen } from './screens/runs.tsx';
import { SchedulesScreen } from './screens/schedules.tsx';
import { TaskScreen, TasksScreen } from './screens/tasks.tsx';
import { WaitingScreen } from './screens/waiting.tsx';
import { WorkersScreen } from './screens/workers.tsx';
import { WorkflowScreen, WorkflowsScreen } from './screens/workflows.tsx';
import { screens } from './screens.ts';
import { connection, href, me, notice, route, sample } from './state.ts';

/** The screen of an address. */
function Screen() {
  const {
    path: [name = 'now', id],
  } = route.value;
  switch (name) {
    case 'runs':
      return <RunsScreen />;
    case 'run':
      return <RunScreen key={id} id={id ?? ''} />;
    case 'failures':
      return <FailuresScreen key={id} group={id} />;
    case 'queues':
      return id === undefined ? <QueuesScreen /> : <QueueScreen key={id} name={id} />;
    case 'workers':
      return <WorkersScreen />;
    case 'tasks':
      return id === undefined ? <TasksScreen /> : <TaskScreen key={id} name={id} />;
    case 'schedules':
      return <SchedulesScreen />;
    case 'workflows':
      return id === undefined ? <WorkflowsScreen /> : <WorkflowScreen key={id} id={id} />;
    case 'waiting':
      return <WaitingScreen />;
    case 'broker':
      return <BrokerScreen />;
    case 'audit':
      return <AuditScreen />;
    default:
      return <NowScreen />;
  }
}

/** Menu, screen, and what lies over them. */
export function App() {
  const [palette, setPalette] = usePalette();
  const main = useRef<HTMLElement>(null);
  const place = route.value.path.join('/');
  const first = useRef(true);
  useEffect(() => {
    const title = main.current?.querySelector('h1');
    document.title = `${title?.textContent ?? 'Lovage'} · ${sample.value?.app ?? 'Lovage'}`;
    if (!first.current) title?.focus();
    first.current = false;
  }, [place]);
  if (needsSignIn.value) return <SignIn />;
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.querySelector('h1')?.focus()}>
        Skip to the page
      </button>
      <Menu onPalette={() => setPalette(true)} />
      <main id="main" ref={main} data-place={place}>
        {connection.value === 'lost' && (
          <p class="trouble" role="alert">
            The server does not answer. What is shown may be old; this page tries again by itself.
          </p>
        )}
        <Screen />
      </main>
      <div class="notice" role="status" aria-live="polite">
        {notice.value && <p class={notice.value.bad ? 'bad' : ''}>{notice.value.text}</p>}
      </div>
      {palette && <Palette onClose={() => setPalette(false)} />}
    </>
  );
}

function Menu({ onPalette }: { onPalette: () => void }) {
  const [name = 'now'] = route.value.path;
  const current = name === 'run' ? 'runs' : name;
  const failures = sample.value?.failures.reduce((sum, { open }) => sum + open, 0) ?? 0;
  const level = sample.value?.health.level;
  return (
    <header class="menu">
      <div class="brand">
        <span class="logo" aria-hidden="true" />
        <strong>{sample.value?.app ?? me.value?.app ?? 'Lovage'}</strong>
      </div>
      <nav aria-label="Screens">
        {screens.map(({ path, name: text }) => (
          <a key={path} href={href([path])} aria-current={current === path ? 'page' : undefined}>
            <span>{text}</span>
            {path === 'now' && level && <span class={`dot ${level}`} role="img" aria-label={level} />}
            {path === 'failures' && failures > 0 && (
              <span class="count" title={plural(failures, 'failure')}>
                {failures > 9_999 ? '9999+' : failures}
              </span>
            )}
          </a>
        ))}
      </nav>
      <div class="foot">
        <button type="button" class="quiet" onClick={onPalette}>
          Go to… <kbd>Ctrl K</kbd>
        </button>
        <ThemeButton />
        <small>
          <span class={`dot ${connection.value === 'live' ? 'ok' : 'warning'}`} /> {connection.value}
          {me.value && ` · ${me.value.name}, ${me.value.role}`}
        </small>
      </div>
    </header>
  );
}

const themes: readonly string[] = ['system', 'light', 'dark'];

function ThemeButton() {
  const [theme, setTheme] = useState<string>(localStorage.getItem('lovage-theme') ?? 'system');
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme;
    localStorage.setItem('lovage-theme', theme);
  }, [theme]);
  const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'system';
  return (
    <button type="button" class="quiet" onClick={() => setTheme(next)}>
      Theme: {theme}
    </button>
  );
}

function SignIn() {
  const [token, setToken] = useState('');
  return (
    <main>
      <Modal title="Sign in" onClose={() => undefined}>
        <form
          class="form"
          onSubmit={(event) => {
            event.preventDefault();
            signIn(token);
          }}
        >
          <p>This dashboard wants to know who you are. Its token is kept for this tab only.</p>
          <label>
            <span>Token</span>
            <input
              type="password"
              autocomplete="current-password"
              value={token}
              onInput={(event) => setToken(event.currentTarget.value)}
            />
          </label>
          <div class="tools end">
            <button type="submit" class="main">
              Sign in
            </button>
          </div>
        </form>
      </Modal>
    </main>
  );
}

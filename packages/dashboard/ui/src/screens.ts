/** A screen: its name, and where it is. */
export interface ScreenName {
  readonly path: string;
  readonly name: string;
}

/** The screens in the order of the menu. */
export const screens: readonly ScreenName[] = [
  { path: 'now', name: 'Now' },
  { path: 'runs', name: 'Runs' },
  { path: 'failures', name: 'Failures' },
  { path: 'queues', name: 'Queues' },
  { path: 'workers', name: 'Workers' },
  { path: 'tasks', name: 'Tasks' },
  { path: 'schedules', name: 'Schedules' },
  { path: 'workflows', name: 'Workflows' },
  { path: 'waiting', name: 'Locks & topics' },
  { path: 'broker', name: 'Broker' },
  { path: 'audit', name: 'Audit' },
];

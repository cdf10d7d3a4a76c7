// The same two tasks in TypeScript. LOVAGE_BROKER_URL wins over this URL.
import { Lovage } from 'lovage';

export const app = new Lovage('tasks', { broker: 'celery+amqp://guest:guest@localhost:5672//', logLevel: 'warn' });
export const add = app.task({ name: 'add', queue: 'add', params: ['x', 'y'] }, (x: number, y: number) => x + y);
export const multiply = app.task(
  { name: 'multiply', queue: 'multiply', params: ['x', 'y'] },
  (x: number, y: number) => x * y,
);

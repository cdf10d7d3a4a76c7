// What both processes share: the app and its tasks. The worker runs the handlers, the producer only their names and types.
import { Lovage } from 'lovage';

// LOVAGE_BROKER_URL wins over this URL.
export const app = new Lovage('two-processes', { broker: 'redis://localhost:6379/0' });

export const countWords = app.task('text.countWords', (text: string) => text.split(/\s+/).filter(Boolean).length);

export const whoRanIt = app.task({ name: 'process.id', bind: true }, (self) => ({
  pid: process.pid,
  worker: self.worker,
}));

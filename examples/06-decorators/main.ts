// Tasks as methods of a class: what they need comes in through the constructor.
import { currentTask, Lovage, type TaskContext } from 'lovage';
import { startWorker } from 'lovage/worker';

const app = new Lovage('decorators', { logLevel: 'error' });

interface Smtp {
  deliver(to: string, subject: string): string;
}

class Mailer {
  readonly #smtp: Smtp;

  constructor(smtp: Smtp) {
    this.#smtp = smtp;
  }

  @app.task({ name: 'mail.send', queue: 'mail', maxRetries: 5 })
  async send(to: string, subject: string): Promise<string> {
    return this.#smtp.deliver(to, subject);
  }

  // With bind, the first parameter is the context; callers do not see it.
  @app.task({ name: 'mail.digest', queue: 'mail', bind: true })
  async digest(self: TaskContext, to: string): Promise<string> {
    return `${await this.send(to, 'your digest')} by task ${self.name}, attempt ${currentTask().attempt}`;
  }
}

const smtp: Smtp = { deliver: (to, subject) => `"${subject}" is on its way to ${to}` };
const mail = app.tasksOf(new Mailer(smtp)); // typed: mail.send.delay(to: string, subject: string)

await startWorker(app, { queues: ['mail'] });
console.log(await mail.send.call(['ada@example.com', 'hello'], { timeout: '5s' }));
console.log(await mail.digest.call(['bob@example.com'], { timeout: '5s' }));
await app.close();

import { Lovage } from 'lovage';

export const app = new Lovage('shop', { broker: 'redis://localhost:6379/0', logLevel: 'silent' });

/** What the outside world was asked to do; a real shop has a mailer and a bank. */
export const outbox: string[] = [];
export const charged: Map<string, number> = new Map();

export const sendMail = app.task(
  { name: 'mail.send', queue: 'mail', maxRetries: 5, defaultRetryDelay: '10m', autoretryFor: [Error] },
  (to: string) => {
    outbox.push(to);
  },
);

/** Idempotent: the order's id is the key under which the bank knows the charge. */
export const charge = app.task({ name: 'billing.charge', queue: 'billing' }, (orderId: string, amount: number) => {
  charged.set(orderId, amount);
  return { orderId, amount };
});

/** What a web handler calls. */
export async function signUp(email: string): Promise<void> {
  await sendMail.delay(email);
  await sendMail.applyAsync([`${email} (how do you like it?)`], { countdown: '3d' });
}

export async function checkout(orderId: string): Promise<string> {
  const { amount } = await charge.call([orderId, 40], { timeout: '30s' });
  return `charged ${amount}`;
}

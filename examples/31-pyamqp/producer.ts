// Sends both tasks and prints 5 and 6: a TypeScript worker or a Python worker may run them.
import { add, app, multiply } from './app.ts';

const results = [await add.delay(2, 3), await multiply.delay(2, 3)];
for (const result of results) console.log(await result.get({ timeout: '2m' }));
await app.close();

// The app that `lovage worker` loads in the startup bench: one task, like a small service.
import { Lovage } from 'lovage';

export const app: Lovage = new Lovage('startup');

app.task('add', (x: number, y: number) => x + y);

#!/usr/bin/env node
import { main } from '@lovage/cli';

await main(process.argv.slice(2));
// A handle that the app's own code left open (a database pool, say) must not keep a finished command alive.
process.stdout.write('', () => setTimeout(() => process.exit(), 300).unref());

#!/usr/bin/env node
import { main } from '@lovage/cli';

await main(process.argv.slice(2));

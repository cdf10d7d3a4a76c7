import { connectorConformance } from '../src/conformance.ts';
import { MemoryLog } from '../src/index.ts';

connectorConformance('a log in memory', {
  open: async () => {
    const log = new MemoryLog({ partitions: 6 });
    return {
      source: () => log.source('exam'),
      write: async (records) => log.append(records),
      unacknowledged: async () => {
        let left = 0;
        for (let p = 0; p < log.partitions; p += 1) left += log.end(p) - log.committed('exam', p);
        return left;
      },
      close: async () => {},
    };
  },
});

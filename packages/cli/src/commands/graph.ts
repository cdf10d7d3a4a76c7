import { type Command, textOption } from '../command.ts';

/** `lovage graph`. */
export const graphCommand: Command = {
  usage: 'graph <id>',
  describe: 'Draw the canvas that a task belongs to, with the state of each step',
  positionals: { id: { type: 'string', describe: "A task's id: of the whole, or of any of its steps" } },
  options: { format: textOption('text, mermaid, svg or json (default: text)', { alias: 'f' }) },
  examples: [
    ['$0 graph 0198c2b0-…', 'a tree, for a terminal'],
    ['$0 graph 0198c2b0-… -f svg > graph.svg', 'a picture'],
  ],
  run: async (given) => (await import('../actions/show-graph.ts')).showGraph(given),
};

import { type Command, switchOption } from '../command.ts';

/** `lovage init`. */
export const initCommand: Command = {
  usage: 'init',
  describe: 'Write starter files into this folder: a task, a producer, a test; more on request',
  options: {
    docker: switchOption('A Dockerfile too, and a compose.yaml with Redis'),
    k8s: switchOption('A Kubernetes deployment too, with probes'),
    systemd: switchOption('A systemd unit too'),
    force: switchOption('Write over files that are there', { alias: 'f' }),
  },
  examples: [
    ['$0 init', 'package.json, tasks.ts, producer.ts, tasks.test.ts; files that are there stay'],
    ['$0 init --docker --k8s', 'and what a container needs'],
  ],
  run: async (given) => (await import('../actions/dev/init-project.ts')).initProject(given),
};

import { type Command, textOption } from '../command.ts';

/** `lovage dashboard`. */
export const dashboardCommand: Command = {
  usage: 'dashboard',
  describe: 'Serve pages that say whether anything is wrong, and let you retry, pause and revoke',
  options: {
    host: textOption('The address to listen on; any but 127.0.0.1 needs an access rule (default: 127.0.0.1)'),
    port: textOption('The port; 0 takes a free one (default: 5555)'),
    path: textOption('The path it is served under, as /lovage'),
    hosts: textOption("Names that a request's Host header may have, separated by commas"),
    token: textOption('Who has this token acts; LOVAGE_DASHBOARD_TOKEN keeps it out of the process list'),
    'viewer-token': textOption('Who has this token looks; or LOVAGE_DASHBOARD_VIEWER_TOKEN'),
    user: textOption('A name that signs in with LOVAGE_DASHBOARD_PASSWORD and acts'),
    'proxy-header': textOption(
      'The header in which your proxy names the person; names that are not in --operators look',
    ),
    operators: textOption("Names in the proxy's header that act, separated by commas"),
    redact: textOption(
      'Fields of arguments and results that are not shown, besides the usual ones, separated by commas',
    ),
  },
  examples: [
    ['$0 dashboard', 'the app of this folder, for this machine alone: http://127.0.0.1:5555'],
    [
      '$0 dashboard --host 0.0.0.0 --hosts tasks.example.com --proxy-header x-user --operators ann,bob',
      'behind a proxy',
    ],
  ],
  run: async (given) => (await import('../actions/run-dashboard.ts')).runDashboard(given),
};

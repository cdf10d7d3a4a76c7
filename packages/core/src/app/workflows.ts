import type { PluginList } from '../plugins/plugin-list.ts';
import type { Settings } from '../settings/app-options.ts';
import type { Stores } from '../stores/stores.ts';
import { AppWorkflows, type AppWorkflowsOptions } from '../workflow/app-workflows.ts';
import { workflowStores } from '../workflow/engine/run-wake.ts';

/** What the workflows of an app are made of. */
export interface WorkflowParts
  extends Pick<
    AppWorkflowsOptions,
    'clock' | 'brokerClock' | 'logger' | 'producer' | 'results' | 'registry' | 'errors' | 'canvas'
  > {
  readonly settings: Settings;
  readonly stores: Stores;
  readonly plugins: PluginList;
}

/** Makes the workflows of an app. */
export function createWorkflows({ settings, stores, plugins, ...parts }: WorkflowParts): AppWorkflows {
  return new AppWorkflows({
    ...parts,
    open: async () => {
      const { brokerConnection, ...open } = stores.current ?? (await stores.open());
      return workflowStores({ ...open, store: brokerConnection.workflows }, stores.display);
    },
    sharedRegistry: () => stores.current?.sharedRegistry,
    sender: () => parts.canvas().sender,
    plugins: plugins.taskOptions,
    maxPayload: { bytes: settings.maxPayload, option: 'maxPayload' },
    maxResult: { bytes: settings.maxResult, option: 'maxResult' },
    crashBudget: settings.worker.crashBudget ?? 2,
    resultExpires: settings.resultExpires,
  });
}

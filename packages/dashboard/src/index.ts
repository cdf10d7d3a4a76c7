/** Lovage over HTTP, for people and their tools. */

export type { Access, Role, Viewer } from './access.ts';
export type { AuditEntry } from './audit.ts';
export { createDashboard, type Dashboard, type DashboardOptions } from './dashboard.ts';
export { nodeHandler, type RunningDashboard, type ServeOptions, serveDashboard, startDashboard } from './serve.ts';

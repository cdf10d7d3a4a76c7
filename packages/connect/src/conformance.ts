/** The exam that every source takes. It registers its cases with vitest, an optional peer. */

export {
  type ConnectorConformanceOptions,
  type ConnectorHarness,
  connectorConformance,
  type ExamRecord,
} from './exam/connector-conformance.ts';

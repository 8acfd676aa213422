/** What the run's global setup tells the test files about the cluster they share. */

/** How a test file reaches the cluster. */
export interface ClusterAddress {
  readonly port: number;
  readonly adminPassword: string;
  readonly postgresPassword: string;
  /** Why the template could not be made, in place of a template. */
  readonly failure: string | null;
}

/** The database that test files copy: baseline and migrations. */
export const TEMPLATE = 'kavach_template';

declare module 'vitest' {
  interface ProvidedContext {
    kavachCluster: ClusterAddress;
  }
}

/** The AgentKavach backend on a laptop: a Supabase-shaped stack on real PostgreSQL, in one process, without Docker. */
export { type Install, installAt, removeInstall } from './host/install.ts';
export { startStack, type Stack, type StackOptions } from './host/stack.ts';
export { DataFolderInUseError, type Holder, MigrationError, PostgresError } from './postgres/errors.ts';

export { Database, sql, type DatabaseOptions } from './database.ts';
export type { Statements } from './statements.ts';
export { migrate, runMigrate } from './migrate.ts';
export { deleteOld, purgeLoop, type OldRows } from './purge.ts';
export { isUniqueViolation } from './sql-state.ts';

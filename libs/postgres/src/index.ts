export { Database, sql, type DatabaseOptions } from './database.ts';
export type { Statements } from './statements.ts';
export { migrate, runMigrate } from './migrate.ts';
export { isUniqueViolation } from './sql-state.ts';

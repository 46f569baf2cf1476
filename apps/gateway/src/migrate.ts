import 'reflect-metadata';
import { runMigrate } from '@parley/postgres';
import { Logger } from '@parley/service';
import { migrations } from './auth/migrations/index.ts';

await runMigrate(new Logger('gateway', 'info'), migrations);

import 'reflect-metadata';
import { runMigrate } from '@parley/postgres';
import { Logger } from '@parley/service';
import { migrations } from './migrations/index.ts';

await runMigrate(new Logger('channel', 'info'), migrations);

import 'reflect-metadata';
import { readSettings, runService } from '@parley/service';
import { startSessionService } from './app.module.ts';
import { sessionConfig } from './config.ts';

await runService('session', (logger, env) => startSessionService(readSettings(sessionConfig, env), logger));

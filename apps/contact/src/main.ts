import 'reflect-metadata';
import { readSettings, runService } from '@parley/service';
import { startContactService } from './app.module.ts';
import { contactConfig } from './config.ts';

await runService('contact', (logger, env) => startContactService(readSettings(contactConfig, env), logger));

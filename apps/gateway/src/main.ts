import 'reflect-metadata';
import { readSettings, runService } from '@parley/service';
import { startGateway } from './app.module.ts';
import { gatewayConfig } from './config.ts';

await runService('gateway', (logger, env) => startGateway(readSettings(gatewayConfig, env), logger));

import 'reflect-metadata';
import { readSettings, runService } from '@parley/service';
import { startFlowCatalogService } from './app.module.ts';
import { flowCatalogConfig } from './config.ts';

await runService('flow-catalog', (logger, env) =>
  startFlowCatalogService(readSettings(flowCatalogConfig, env), logger),
);

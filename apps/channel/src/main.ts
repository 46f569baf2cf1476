import 'reflect-metadata';
import { readSettings, runService } from '@parley/service';
import { startChannelService } from './app.module.ts';
import { channelConfig } from './config.ts';

await runService('channel', (logger, env) => startChannelService(readSettings(channelConfig, env), logger));

import 'reflect-metadata';
import { runOutboxCommand } from '@parley/events';
import { CHANNEL_STREAM } from './channel-stream.ts';

await runOutboxCommand({ ...CHANNEL_STREAM, example: 'message.delivered' });

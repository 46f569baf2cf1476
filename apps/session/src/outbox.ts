import 'reflect-metadata';
import { runOutboxCommand } from '@parley/events';
import { SESSION_STREAM } from './session-stream.ts';

await runOutboxCommand({ ...SESSION_STREAM, example: 'session.started' });

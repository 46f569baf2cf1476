import 'reflect-metadata';
import { runOutboxCommand } from '@parley/events';
import { FLOW_STREAM } from './flow-stream.ts';

await runOutboxCommand({ ...FLOW_STREAM, example: 'flow.published' });

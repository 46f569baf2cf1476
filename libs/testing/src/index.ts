export { effort, randomFrom, seed, tell } from './effort.ts';
export { eventually } from './eventually.ts';
export { EventProbe, type RecordedEvent } from './event-probe.ts';
export { inTime } from './in-time.ts';
export { HttpRecorder, type RecordedAnswer, type RecordedRequest } from './http-recorder.ts';
export { rowsReadBy } from './rows-read.ts';
export { createTestDatabase, queryOnce, type TestDatabase } from './test-database.ts';
export { NATS_URL, POSTGRES_URL, startTestServers } from './test-servers.ts';
export { freePort } from '@parley/local-servers';

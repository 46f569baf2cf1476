import { createRequire } from 'node:module';
import {
  credentials,
  loadPackageDefinition,
  status as GrpcCode,
  type Client,
  type GrpcObject,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@parley/testing';
import { protoPath as healthProto } from 'grpc-health-check';
import { EchoService } from './testing/echo-service.ts';

const SERVICE = 'parley.flow_catalog.v1.FlowCatalogService';
const REFLECTION = '@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto';
const reflectionProto = createRequire(import.meta.url).resolve(REFLECTION);

interface Stream<Request, Response> {
  on(event: 'data', listener: (response: Response) => void): void;
  on(event: 'error', listener: (error: { code: number }) => void): void;
  on(event: 'end', listener: () => void): void;
  write(request: Request): void;
  end(): void;
}
interface HealthClient extends Client {
  check(
    request: { service: string },
    done: (error: (Error & { code: number }) | null, answer: { status: string }) => void,
  ): void;
  watch(request: { service: string }): Stream<never, { status: string }>;
}
interface ReflectionAnswer {
  list_services_response?: { service: { name: string }[] };
  file_descriptor_response?: { file_descriptor_proto: Buffer[] };
}
interface ReflectionClient extends Client {
  serverReflectionInfo(): Stream<Record<string, string>, ReflectionAnswer>;
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const start = async (options: Parameters<typeof EchoService.start>[0] = {}): Promise<EchoService> => {
  const echo = await EchoService.start(options);
  cleanups.push(() => echo.close());
  return echo;
};

/** A client of a service that is not ours, as its .proto says. */
const clientOf = <C extends Client>(proto: string, path: string[], address: string): C => {
  const loaded = loadPackageDefinition(loadSync(proto, { keepCase: true, enums: String }));
  const constructor = path.reduce((object, part) => object[part] as GrpcObject, loaded);
  const client = new (constructor as unknown as new (...args: unknown[]) => C)(
    address,
    credentials.createInsecure(),
  );
  cleanups.push(() => client.close());
  return client;
};
const healthOf = (echo: EchoService) =>
  clientOf<HealthClient>(healthProto, ['grpc', 'health', 'v1', 'Health'], echo.running.address);
const check = (client: HealthClient, service: string): Promise<string> =>
  new Promise((resolve, reject) => {
    client.check({ service }, (error, answer) => (error ? reject(error) : resolve(answer.status)));
  });

describe('the health of a server', () => {
  it('is SERVING as a whole and for its service, and unknown for others', async () => {
    const health = healthOf(await start());
    await eventually(async () => expect(await check(health, '')).toBe('SERVING'));
    expect(await check(health, SERVICE)).toBe('SERVING');
    await expect(check(health, 'some.Other')).rejects.toMatchObject({ code: GrpcCode.NOT_FOUND });
  });

  it('is NOT_SERVING while what it needs is away, and SERVING again when it is back', async () => {
    let away = true;
    const ready = () => (away ? Promise.reject(new Error('away')) : Promise.resolve());
    const health = healthOf(await start({ ready }));
    expect(await check(health, SERVICE)).toBe('NOT_SERVING');
    away = false;
    await eventually(async () => expect(await check(health, SERVICE)).toBe('SERVING'));
    away = true;
    await eventually(async () => expect(await check(health, '')).toBe('NOT_SERVING'));
    expect(await check(health, SERVICE)).toBe('NOT_SERVING');
  });
});

describe('closing a server', () => {
  it('finishes the call in flight and takes no new one (P11)', async () => {
    const echo = await start();
    const { promise, resolve } = Promise.withResolvers<void>();
    echo.handler = () => promise;
    const inFlight = echo.get();
    await eventually(() => expect(echo.seen).toHaveLength(1));
    let closed = false;
    const closing = echo.running.close().then(() => (closed = true));
    await eventually(async () => {
      const late = echo.addClient();
      const answer = await new Promise<boolean>((answered) => {
        late.waitForReady(Date.now() + 100, (error) => answered(error === undefined));
      });
      expect(answer).toBe(false);
    });
    expect(closed).toBe(false);
    resolve();
    expect(await inFlight).toEqual({ flow: undefined });
    await closing;
    echo.running = { ...echo.running, close: () => Promise.resolve() };
  });

  it('tells a health watch that it goes, and is not held up by it (P11)', async () => {
    const echo = await start();
    const watch = healthOf(echo).watch({ service: SERVICE });
    const seen: string[] = [];
    watch.on('data', ({ status }) => seen.push(status));
    const ended = new Promise((resolve) => watch.on('error', resolve));
    await eventually(() => expect(seen.at(-1)).toBe('SERVING'));
    const begun = Date.now();
    await echo.running.close();
    expect(Date.now() - begun).toBeLessThan(8_000);
    await ended;
    expect(seen.at(-1)).toBe('NOT_SERVING');
    echo.running = { ...echo.running, close: () => Promise.resolve() };
  });
});

describe('reflection', () => {
  const ask = async (echo: EchoService, request: Record<string, string>): Promise<ReflectionAnswer> => {
    const path = ['grpc', 'reflection', 'v1', 'ServerReflection'];
    const stream = clientOf<ReflectionClient>(
      reflectionProto,
      path,
      echo.running.address,
    ).serverReflectionInfo();
    return new Promise((resolve, reject) => {
      stream.on('data', (answer) => {
        stream.end();
        resolve(answer);
      });
      stream.on('error', reject);
      stream.write(request);
    });
  };

  it('describes the service when it is on', async () => {
    const echo = await start({ reflection: true });
    const list = await ask(echo, { list_services: '' });
    expect(list.list_services_response!.service.map(({ name }) => name)).toContain(SERVICE);
    const file = await ask(echo, { file_containing_symbol: SERVICE });
    const described = Buffer.concat(file.file_descriptor_response!.file_descriptor_proto).toString('latin1');
    expect(described).toContain('BatchGetPublishedFlows');
  });

  it('is not there when it is off', async () => {
    await expect(ask(await start(), { list_services: '' })).rejects.toMatchObject({
      code: GrpcCode.UNIMPLEMENTED,
    });
  });
});

import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, status as GrpcCode, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeCertificates, tlsSettingsOf } from '@parley/certs';
import { ChannelServiceClient } from '@parley/contracts/channel';
import { ContactServiceClient } from '@parley/contracts/contact';
import { FlowCatalogServiceClient } from '@parley/contracts/flow-catalog';
import { SessionServiceClient } from '@parley/contracts/session';
import { EventProbe, eventually } from '@parley/testing';
import { appOf, Cluster } from './cluster.ts';

const SERVICES = {
  contact: ContactServiceClient,
  'flow-catalog': FlowCatalogServiceClient,
  session: SessionServiceClient,
  channel: ChannelServiceClient,
};
/** In good time before the deadline of 2 s. */
const SOON_MS = 1_500;

const ours = mkdtempSync(join(tmpdir(), 'parley-e2e-certs-'));
const theirs = mkdtempSync(join(tmpdir(), 'parley-e2e-certs-'));
let cluster: Cluster;
let phones = 0;

beforeAll(async () => {
  await Promise.all([ours, theirs].map((folder) => makeCertificates({ folder })));
  cluster = await Cluster.start({ settings: (name) => tlsSettingsOf(ours, appOf(name)) });
});
afterAll(async () => {
  await cluster.stop();
  for (const folder of [ours, theirs]) rmSync(folder, { recursive: true, force: true });
});

const trigger = (flow: string) =>
  cluster.trigger({ flow_id: flow, phone: `+1415555${String((phones += 1)).padStart(4, '0')}` });

const certificateFrom = (folder: string, trusted: string): ChannelCredentials => {
  const { TLS_CERT_FILE, TLS_KEY_FILE } = tlsSettingsOf(folder, 'gateway');
  const ca = readFileSync(tlsSettingsOf(trusted, 'gateway').TLS_CA_FILE);
  return credentials.createSsl(ca, readFileSync(TLS_KEY_FILE), readFileSync(TLS_CERT_FILE));
};

/** The code of a call by somebody of their own; UNKNOWN: it reached the service, which does not know the RPC. */
const codeOf = (service: keyof typeof SERVICES, security: ChannelCredentials): Promise<string> => {
  // The certificates name it. (The loopback's address would do, but is no name to ask for.)
  const name = { 'grpc.ssl_target_name_override': service };
  const client = new SERVICES[service](cluster.addressOf(service), security, name);
  const path = `/parley.${service.replace('-', '_')}.v1.Nothing/Nothing`;
  const nothing = (): Buffer => Buffer.alloc(0);
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + SOON_MS };
    client.makeUnaryRequest(path, nothing, nothing, {}, options, (error: ServiceError | null) => {
      client.close();
      resolve(GrpcCode[error!.code]);
    });
  });
};

describe('services with mutual TLS', () => {
  it('start a flow, by the session that reads its version, with its event (P2, P6)', async () => {
    const probe = await EventProbe.open('PARLEY_SESSION', cluster.tenantIdOf());
    const { status, body } = await trigger(await cluster.createFlow());
    expect(status).toBe(201);
    const { id } = body as { id: string };
    expect((await cluster.request('GET', `/sessions/${id}`)).status).toBe(200);
    await eventually(() => expect(probe.of(id)).toHaveLength(2));
    await probe.close();
  });

  it.each(['contact', 'flow-catalog', 'session', 'channel'] as const)(
    '%s answers who has a certificate of ours, and refuses strangers and plaintext at once (P10, fault 32)',
    async (service) => {
      expect(await codeOf(service, certificateFrom(ours, ours))).toBe('UNIMPLEMENTED');
      expect(await codeOf(service, certificateFrom(theirs, ours))).toBe('UNAVAILABLE');
      expect(await codeOf(service, credentials.createInsecure())).toBe('UNAVAILABLE');
      expect((await trigger(await cluster.createFlow())).status).toBe(201);
    },
  );

  it('answer 503 in time while one has a stranger’s certificate, and go on when it has its own again (P10)', async () => {
    const flow = await cluster.createFlow();
    const folder = join(ours, 'contact');
    cpSync(folder, join(theirs, 'kept'), { recursive: true });
    cpSync(join(theirs, 'contact'), folder, { recursive: true });
    await cluster.kill('contact');
    const restarted = cluster.restart('contact');
    restarted.catch(() => undefined);
    await eventually(async () => {
      const begun = Date.now();
      const { status } = await trigger(flow);
      expect([status, Date.now() - begun < 2_500]).toEqual([503, true]);
      // No longer for want of a process; whoever has to mend it reads why.
      expect(cluster.logOf('gateway')).toMatch(/UNAVAILABLE[^\n]*certificate/);
    });

    // Without another restart: the files are looked at every 5 s.
    cpSync(join(theirs, 'kept'), folder, { recursive: true });
    await restarted;
    await eventually(async () => expect((await trigger(flow)).status).toBe(201));
  });
});

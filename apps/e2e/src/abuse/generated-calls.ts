import { status as GrpcCode, type Client } from '@grpc/grpc-js';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Cluster, Name } from '../cluster.ts';
import { runs, SEED } from './effort.ts';
import { callRaw, NOT_SERVED_YET, RPCS } from './rpcs.ts';
import { requestBytes } from './wire-bytes.ts';

/** What a caller's bytes may lead to: an answer, or a refusal that says what is wrong with them. */
const SOUND = [
  GrpcCode.OK,
  GrpcCode.INVALID_ARGUMENT,
  GrpcCode.NOT_FOUND,
  GrpcCode.ALREADY_EXISTS,
  GrpcCode.FAILED_PRECONDITION,
];

/** Bytes to every RPC of every service (35). */
export function generatedCalls(
  cluster: () => Cluster,
  clients: () => Map<Name, Client>,
  ids: () => string[],
): void {
  it.each(RPCS)(
    'bytes sent to $name are served or refused, and never with a fault of ours (35)',
    async (rpc) => {
      const client = clients().get(rpc.app)!;
      const codes = new Set<GrpcCode>();
      await fc.assert(
        fc.asyncProperty(requestBytes(cluster().tenantIdOf(), ids()), async (bytes) => {
          const { code, text, message } = await callRaw(client, rpc.path, bytes);
          codes.add(code);
          if (code === GrpcCode.UNIMPLEMENTED && NOT_SERVED_YET.includes(rpc.name)) return;
          if (!SOUND.includes(code)) throw new Error(`${GrpcCode[code]} ${text}`);
          // What it serves can be read.
          if (code === GrpcCode.OK) rpc.definition.responseDeserialize(message);
        }),
        { numRuns: runs(25, 2_000), seed: SEED },
      );
      // The bytes are neither all nonsense nor all sound.
      if (!codes.has(GrpcCode.UNIMPLEMENTED)) {
        expect(codes).toContain(GrpcCode.INVALID_ARGUMENT);
        expect(codes.size).toBeGreaterThan(1);
      }
    },
  );
}

import { ChannelKind, DescribeChannelRequest } from '@parley/contracts/channel';
import { GetContactRequest } from '@parley/contracts/contact';
import { GetFlowRequest } from '@parley/contracts/flow-catalog';
import { GetSessionRequest } from '@parley/contracts/session';
import { v7 as uuidv7 } from 'uuid';
import type { Cluster, Name } from '../cluster.ts';
import type { Target } from './floods.ts';
import { RPCS } from './rpcs.ts';

/** Of each service, the RPC that reads one thing, and a request for one that nobody has. */
export function targetsIn(cluster: Cluster, amount: number): Map<Name, Target> {
  const ids = { tenantId: cluster.tenantIdOf(), id: uuidv7() };
  const requests: Record<string, Uint8Array> = {
    'ContactService/GetContact': GetContactRequest.encode({
      tenantId: ids.tenantId,
      lookup: { $case: 'id', value: ids.id },
    }).finish(),
    'FlowCatalogService/GetFlow': GetFlowRequest.encode(ids).finish(),
    'SessionService/GetSession': GetSessionRequest.encode(ids).finish(),
    'ChannelService/DescribeChannel': DescribeChannelRequest.encode({
      tenantId: ids.tenantId,
      kind: ChannelKind.WHATSAPP,
    }).finish(),
  };
  const targets = Object.entries(requests).map(([name, bytes]): [Name, Target] => {
    const rpc = RPCS.find((one) => one.name === name)!;
    return [
      rpc.app,
      { address: cluster.addressOf(rpc.app), path: rpc.path, request: Buffer.from(bytes), amount },
    ];
  });
  return new Map(targets);
}

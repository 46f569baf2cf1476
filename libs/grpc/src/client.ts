import {
  credentials,
  Metadata,
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  type Client,
  type ClientUnaryCall,
  type ServiceError,
} from '@grpc/grpc-js';
import { currentRequest } from '@parley/service';
import { MAX_ANSWER_BYTES } from './message-size.ts';
import { fromServiceError } from './rpc-status.ts';

/** A call without a deadline of its own gives up after this long (P10). */
const DEFAULT_DEADLINE_MS = 2_000;

/**
 * What is called again when a connection breaks before the answer is there: reads, and writes that find their own work done.
 * A start does not: its session may have ended meanwhile, and another one would tell the contact everything again.
 */
export const REPEATABLE = {
  'parley.contact.v1.ContactService':
    'GetContact SearchContacts BatchResolveContacts UpsertContact UpdateContact SetConsent',
  'parley.flow_catalog.v1.FlowCatalogService':
    'GetFlow ListFlows GetFlowVersion ListFlowVersions CompareFlowVersions GetPublishedFlow BatchGetPublishedFlows ' +
    'ValidateFlow SimulateFlow UpdateFlow PublishFlow RepublishFlowVersion UnpublishFlow ArchiveFlow',
  // Replies are known by their message_id, which our callers always give.
  'parley.session.v1.SessionService':
    'BatchGetStarts GetSession ListSessions CountSessions GetTimeline WatchSession CancelFlowSessions SubmitReply',
  'parley.channel.v1.ChannelService': 'DescribeChannel ListChannels ListDeliveries',
};

const CHANNEL_OPTIONS: ChannelOptions = {
  // Statistics of each call that nobody reads, for an eighth of what a call costs.
  'grpc.enable_channelz': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // A peer that went away without a word is noticed within 15 s.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
  'grpc.service_config': JSON.stringify({
    loadBalancingConfig: [{ round_robin: {} }],
    methodConfig: [
      {
        name: Object.entries(REPEATABLE).flatMap(([service, methods]) =>
          methods.split(' ').map((method) => ({ service, method })),
        ),
        retryPolicy: {
          maxAttempts: 3,
          initialBackoff: '0.05s',
          maxBackoff: '0.5s',
          backoffMultiplier: 3,
          retryableStatusCodes: ['UNAVAILABLE'],
        },
      },
    ],
  }),
};

type ClientConstructor<C> = new (
  address: string,
  credentials: ChannelCredentials,
  options: ChannelOptions,
) => C;

/**
 * A client of a service. The address is a gRPC target: host:port, dns:///name:port for all addresses of a name, or
 * ipv4:a:port,b:port for several replicas; calls go to them in turn. security: `Tls.clientOf`; default plaintext.
 */
export function connect<C extends Client>(
  constructor: ClientConstructor<C>,
  address: string,
  security: ChannelCredentials = credentials.createInsecure(),
): C {
  return new constructor(address, security, CHANNEL_OPTIONS);
}

type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/**
 * Calls an RPC: `call(sessions, sessions.getSession, request)`. Passes on the request id and what is left of the
 * deadline of the request being served (default 2 s). Fails with a DomainError.
 */
export function call<Request, Response>(
  client: Client,
  method: UnaryMethod<Request, Response>,
  request: Request,
): Promise<Response> {
  const current = currentRequest();
  const metadata = new Metadata();
  if (current) metadata.set('x-request-id', current.requestId);
  const deadline = Math.min(current?.deadline ?? Infinity, Date.now() + DEFAULT_DEADLINE_MS);
  return new Promise((resolve, reject) => {
    method.call(client, request, metadata, { deadline }, (error, response) => {
      if (error) reject(fromServiceError(error));
      else resolve(response);
    });
  });
}

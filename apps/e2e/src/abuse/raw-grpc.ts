import { Client, credentials, Metadata, status as GrpcCode, type ServiceError } from '@grpc/grpc-js';

export interface RawAnswer {
  code: GrpcCode;
  /** The status' text. */
  text: string;
  /** grpc-status-details-bin */
  details: Buffer;
  /** The message, as it came. */
  message: Buffer;
}

export interface RawOptions {
  /** In ms; 0 sends none, and waits as long as it takes. Default 5,000. */
  deadline?: number;
  metadata?: Metadata;
}

const asTheyAre = (bytes: Buffer): Buffer => bytes;

/** A connection of its own, without retries and without any limit of a client of ours. */
export function rawClient(address: string): Client {
  return new Client(address, credentials.createInsecure(), {
    'grpc.enable_retries': 0,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  });
}

/** Sends bytes, whatever they are, and gives whatever comes back. It never fails. */
export function callRaw(
  client: Client,
  path: string,
  request: Buffer,
  { deadline = 5_000, metadata = new Metadata() }: RawOptions = {},
): Promise<RawAnswer> {
  const options = deadline === 0 ? {} : { deadline: Date.now() + deadline };
  return new Promise((resolve) => {
    const answered = (error: ServiceError | null, message: Buffer = Buffer.alloc(0)): void => {
      const [details] = error?.metadata.get('grpc-status-details-bin') ?? [];
      resolve({
        code: error?.code ?? GrpcCode.OK,
        text: error?.details ?? '',
        details: Buffer.isBuffer(details) ? details : Buffer.alloc(0),
        message,
      });
    };
    client.makeUnaryRequest(path, asTheyAre, asTheyAre, request, metadata, options, answered);
  });
}

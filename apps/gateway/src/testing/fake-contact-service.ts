import { Server, ServerCredentials, status, type ServiceError } from '@grpc/grpc-js';
import { ContactServiceService, type UpsertContactResponse } from '@parley/contracts/contact';

/** Stands in for the contact service, which another team owns: whoever creates a contact gets the error it was told. */
export class FakeContactService {
  readonly address: string;
  error: Partial<ServiceError> = {};
  /** How many batches of contacts were asked for. */
  resolutions = 0;
  private readonly server: Server;

  private constructor(server: Server, port: number) {
    this.server = server;
    this.address = `127.0.0.1:${port}`;
  }

  static async start(): Promise<FakeContactService> {
    const server = new Server();
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    const fake = new FakeContactService(server, port);
    const upsertContact = (
      _call: unknown,
      reply: (error: Partial<ServiceError>, response?: UpsertContactResponse) => void,
    ): void => reply(fake.error);
    const batchResolveContacts = (_call: unknown, reply: (error: Partial<ServiceError>) => void): void => {
      fake.resolutions += 1;
      reply({ code: status.UNIMPLEMENTED });
    };
    server.addService(ContactServiceService, { upsertContact, batchResolveContacts });
    return fake;
  }

  stop(): void {
    this.server.forceShutdown();
  }
}

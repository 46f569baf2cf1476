import { Database, migrate } from '@parley/postgres';
import { Logger, readSettings } from '@parley/service';
import { createTestDatabase, freePort, type TestDatabase } from '@parley/testing';
import { startGateway, type Gateway } from '../app.module.ts';
import { SCOPES } from '../auth/access.ts';
import { migrations } from '../auth/migrations/index.ts';
import { TOKEN_ENTITIES, TokenStore, type NewToken, type TokenRow } from '../auth/token-store.ts';
import { gatewayConfig } from '../config.ts';

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** What was read from JSON; undefined where the answer is something else. */
  body: unknown;
}

export interface RequestOptions {
  token?: string | undefined;
  headers?: Record<string, string>;
  /** Sent as it is when it is text or bytes, else as JSON. */
  body?: unknown;
  /** Which gateway is asked; 0, the first, by default. */
  replica?: number;
}

/** Gateways on a database of their own, with no service behind them unless the settings name one. */
export class GatewayApp {
  readonly database: TestDatabase;
  /** The first has the settings of start(). */
  readonly gateways: Gateway[] = [];
  readonly tokens: TokenStore;
  private readonly tokenDatabase: Database;
  private made = 0;

  private constructor(database: TestDatabase, tokenDatabase: Database) {
    this.database = database;
    this.tokenDatabase = tokenDatabase;
    this.tokens = new TokenStore(tokenDatabase);
  }

  /** Settings as in the environment; `DATABASE_URL` may lead to this database another way. */
  static async start(
    settings: (databaseUrl: string) => Record<string, string> = () => ({}),
  ): Promise<GatewayApp> {
    const database = await createTestDatabase(migrations, migrate);
    const tokenDatabase = await Database.connect({
      url: database.url,
      name: 'spec',
      entities: TOKEN_ENTITIES,
    });
    const app = new GatewayApp(database, tokenDatabase);
    await app.addReplica(settings(database.url));
    return app;
  }

  get gateway(): Gateway {
    return this.gateways[0]!;
  }

  /** One more gateway on the same database. Settings as in the environment. */
  async addReplica(settings: Record<string, string> = {}): Promise<void> {
    const nobody = `127.0.0.1:${await freePort()}`;
    const env = {
      DATABASE_URL: this.database.url,
      HTTP_PORT: '0',
      CONTACT_ADDRESS: nobody,
      FLOW_CATALOG_ADDRESS: nobody,
      SESSION_ADDRESS: nobody,
      CHANNEL_ADDRESS: nobody,
      ...settings,
    };
    this.gateways.push(await startGateway(readSettings(gatewayConfig, env), new Logger('gateway', 'silent')));
  }

  /** A token with all scopes and no limit to speak of, unless told otherwise. */
  async createToken(change: Partial<NewToken> = {}): Promise<TokenRow & { token: string }> {
    this.made += 1;
    const token = { tenant: 'acme', name: `token ${this.made}`, scopes: [...SCOPES], rateLimit: 1_000_000 };
    return this.tokens.create({ ...token, ...change });
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const { token, headers, body, replica = 0 } = options;
    const response = await fetch(`http://${this.gateways[replica]!.address}${path}`, {
      method,
      headers: {
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: toBytes(body) }),
    });
    const text = await response.text();
    const isJson =
      text !== '' && response.headers.get('content-type')?.startsWith('application/json') === true;
    const parsed: unknown = isJson ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, body: parsed };
  }

  async close(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.close()));
    await this.tokenDatabase.close();
    await this.database.drop();
  }
}

function toBytes(body: unknown): string | Uint8Array<ArrayBuffer> {
  if (typeof body === 'string') return body;
  return body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
}

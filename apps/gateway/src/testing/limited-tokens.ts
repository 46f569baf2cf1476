import { Database, migrate } from '@parley/postgres';
import { createTestDatabase, eventually, type TestDatabase } from '@parley/testing';
import { migrations } from '../auth/migrations/index.ts';
import { PermitStore, type PermitAnswer, type PermitRequest } from '../auth/permit-store.ts';
import { TOKEN_ENTITIES, TokenStore } from '../auth/token-store.ts';
import { TokenPermits } from '../auth/token-permits.ts';

/** Tokens in a database whose clock, and the gateways' clocks with it, go as the test says. */
export class LimitedTokens {
  readonly testDatabase: TestDatabase;
  readonly database: Database;
  /** The time everywhere, in seconds since 1970. */
  now = 1_800_000_000;
  /** Every question asked of the database. */
  readonly asked: PermitRequest[] = [];
  private readonly tokens: TokenStore;
  private made = 0;
  private underWay = 0;

  private constructor(testDatabase: TestDatabase, database: Database) {
    this.testDatabase = testDatabase;
    this.database = database;
    this.tokens = new TokenStore(database);
  }

  static async create(): Promise<LimitedTokens> {
    const testDatabase = await createTestDatabase(migrations, migrate);
    const options = { url: testDatabase.url, name: 'spec', entities: TOKEN_ENTITIES };
    return new LimitedTokens(testDatabase, await Database.connect(options));
  }

  async newTokenId(rateLimit = 100): Promise<string> {
    this.made += 1;
    const token = { tenant: 'acme', name: `token ${this.made}`, scopes: [], rateLimit };
    return (await this.tokens.create(token)).id;
  }

  /**
   * A token as one gateway sees it. slow: seconds that pass on the way to the database, and back; offset: how many
   * seconds that gateway's own clock is off.
   */
  gatewayOf(tokenId: string, slow: () => number = () => 0, offset = 0): TokenPermits {
    const store = new PermitStore(this.database, () => this.now);
    const ask = async (request: PermitRequest): Promise<PermitAnswer> => {
      this.asked.push(request);
      this.underWay += 1;
      // Whoever was answered before is told so before time goes on.
      await new Promise(setImmediate);
      this.now += slow();
      const answer = await store.take(request);
      this.now += slow();
      this.underWay -= 1;
      return answer;
    };
    return new TokenPermits(tokenId, ask, () => (this.now + offset) * 1_000);
  }

  /** Waits until every question is answered. */
  async settled(): Promise<void> {
    await eventually(() => {
      if (this.underWay > 0) throw new Error('A question is under way');
    });
  }

  async close(): Promise<void> {
    await this.database.close();
    await this.testDatabase.drop();
  }
}

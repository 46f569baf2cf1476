import type { Database } from '@parley/postgres';

/** Permits that were granted and not used. */
export interface UnusedPermits {
  /** The second they count for. */
  second: number;
  permits: number;
}

export interface PermitRequest {
  tokenId: string;
  /** Permits in any 60 s. */
  limit: number;
  /** Requests that wait for one. */
  needed: number;
  /** For requests to come. */
  wanted: number;
  /** For the second to come, instead of this one. They may be used at once all the same. */
  ahead: boolean;
  /** Given back. */
  unused: UnusedPermits[];
}

export interface PermitAnswer {
  granted: number;
  /** What is left of the limit. */
  free: number;
  /** What more will be left when this second is over. */
  dropping: number;
  /** The second the permits count for, by the database clock. */
  second: number;
  /** Until that second ends. */
  validMs: number;
  /** Until there will be a permit. Null unless one was needed and none granted. */
  retryMs: number | null;
  /** Whether there may be one before, because whoever has it may give it back. */
  mayReturn: boolean | null;
}

/** Fails with UNAVAILABLE when the database does not answer. */
export type AskForPermits = (request: PermitRequest) => Promise<PermitAnswer>;

/** What every gateway has granted of the tokens' limits, in the database: a row per token. */
export class PermitStore {
  private readonly database: Database;
  private readonly clock: (() => number) | undefined;

  /** clock: seconds since 1970, for tests; the database's unless given. */
  constructor(database: Database, clock?: () => number) {
    this.database = database;
    this.clock = clock;
  }

  /** Fails with UNAVAILABLE when the database does not answer. */
  async take({ tokenId, limit, needed, wanted, ahead, unused }: PermitRequest): Promise<PermitAnswer> {
    const [answer] = await this.database.query<PermitAnswer>(
      `SELECT granted, free, dropping, second, valid_ms AS "validMs", retry_ms AS "retryMs",
              may_return AS "mayReturn"
       FROM take_permits($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        tokenId,
        limit,
        needed,
        wanted,
        ahead,
        unused.map(({ second }) => second),
        unused.map(({ permits }) => -permits),
        this.clock?.() ?? null,
      ],
    );
    return answer!;
  }
}

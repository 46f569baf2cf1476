/** Who a valid token stands for. */
export interface Caller {
  tokenId: string;
  /** The token's name. */
  name: string;
  tenantId: string;
  tenantName: string;
  scopes: string[];
  /** Requests a minute. */
  rateLimit: number;
}

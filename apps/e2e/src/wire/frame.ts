/** One message on a wire. */
export interface Frame {
  kind: 'statement' | 'done' | 'publish' | 'ack' | 'other';
  /** The statement, or the NATS subject. */
  text: string;
  /** The statements sent on this connection since the last BEGIN, this one included. */
  transaction?: readonly string[];
  /** Of `done`: what the server says it did. */
  tag?: string;
  bytes: Buffer;
}

/** Takes the first whole message off the bytes of a direction: up is to the server. Undefined until there is one. */
export interface Framing {
  up(buffer: Buffer): Frame | undefined;
  down(buffer: Buffer): Frame | undefined;
}

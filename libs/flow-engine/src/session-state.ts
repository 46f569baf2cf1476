import type { JsonObject, JsonValue } from './json-value.ts';

/** Times are milliseconds since 1970 throughout the engine; it has no clock. */

/** Where a session stands. All but running are final. */
export type SessionStatus = 'running' | 'completed' | 'failed' | 'expired';

/** All that the engine knows of a session: plain JSON, so that it can be stored and restored. */
export interface SessionState {
  /** Names the session's effects. */
  sessionId: string;
  status: SessionStatus;
  /** The node it stands at, or stood at when it ended. */
  nodeId: string;
  /** Null where it waits for nothing but its end, and once it has ended. */
  wait: Wait | null;
  context: JsonObject;
  /** What `{{contact.…}}` reads: the contact as it was at the start, with the tags the flow has changed. */
  contact: JsonObject;
  /** The last accepted reply, what `{{reply.…}}` reads; null before the first. */
  reply: AcceptedReply | null;
  /** Sprints so far. */
  sprints: number;
  /** Nodes it has come to so far, the entry node not counted. */
  nodes: number;
  /** Timeline entries so far. */
  entries: number;
  /** Waits so far; the last one's id. */
  waits: number;
  startedAt: number;
  /** The start or the last accepted reply. */
  lastInteractionAt: number;
  /** lastInteractionAt and the flow's TTL. From then on the session is expired. */
  expiresAt: number;
  /** The outcome that its end node names; empty where it names none. */
  outcome: string;
  /** Set if and only if it has failed. */
  failure: Failure | null;
}

/** A rest at a node. Only an input that names it ends it. */
export type Wait = {
  /** 1, 2, 3 … within the session. */
  id: number;
  nodeId: string;
  /** When it times out, or the delay is over; null where only the session's end ends it. */
  until: number | null;
} & (
  | {
      kind: 'reply';
      /** Invalid answers so far. */
      attempts: number;
    }
  | { kind: 'delay' }
  | { kind: 'http'; request: HttpRequest }
);

/** A request to be made by whoever runs the engine, who answers with an http_answer. */
export interface HttpRequest {
  /** The Idempotency-Key to send. */
  effectId: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Its host is the one the flow's author wrote; its address has yet to be checked. */
  url: string;
  headers: [name: string, value: string][];
  body: string | null;
  timeoutMs: number;
}

export interface AcceptedReply extends JsonObject {
  /** What was written; the choice's title where one was chosen by its button. */
  text: string;
  /** The chosen one's id; empty where the question had no choices. */
  choice: string;
  /** What save_as keeps: the choice's id, or the answer as text or number. */
  value: JsonValue;
}

/** Why a session failed. docs/flows.md explains each code; a test holds the two lists together. */
export const FAILURE_CODES = [
  'SPRINT_TOO_LONG',
  'NODE_REPEATED',
  'TOO_MANY_SPRINTS',
  'SESSION_TOO_LONG',
  'CONTEXT_TOO_LARGE',
  'CONTEXT_TOO_DEEP',
  'HTTP_REQUEST_FAILED',
  'NODE_MISSING',
] as const;
export type FailureCode = (typeof FAILURE_CODES)[number];

export interface Failure {
  code: FailureCode;
  nodeId: string;
  /** In English. */
  message: string;
}

/** What makes a session run. */
export type SprintInput =
  /** The session begins. */
  | { type: 'start' }
  /** The contact wrote or chose something. waitId 0: for whichever wait there is. choice: a choice's id, or empty. */
  | { type: 'reply'; waitId: number; text: string; choice: string }
  /** The time of a wait has come. */
  | { type: 'timeout'; waitId: number }
  /** The request of a wait was answered, or could not be made. */
  | { type: 'http_answer'; waitId: number; answer: HttpAnswer };

export type HttpAnswer = { status: number; body: string } | { error: string };

/** What is to happen outside, once the sprint is committed. */
export type Effect = {
  /** The same however often the sprint is run; printable ASCII. */
  id: string;
  nodeId: string;
} & (
  | ({ type: 'message' } & Message)
  | { type: 'tags'; add: string[]; remove: string[] }
  | { type: 'handoff'; queue: string; note: string }
);

export interface Message {
  /** At most 10 000 characters; empty where template is set. */
  text: string;
  template: { name: string; language: string; variables: [name: string, value: string][] } | null;
  media: { type: 'image' | 'video' | 'audio' | 'document'; url: string; caption: string } | null;
  choices: { id: string; title: string }[];
  /** The wait a reply is for; 0 where none is expected. */
  waitId: number;
}

/** What the engine notes. docs/flows.md explains each type; a test holds the two lists together. */
export const ENTRY_TYPES = [
  'started',
  'node',
  'reply',
  'timeout',
  'http_answer',
  'ignored',
  'completed',
  'failed',
  'expired',
] as const;
export type EntryType = (typeof ENTRY_TYPES)[number];

/** Something that happened, for people to read. docs/flows.md lists the keys of detail. */
export interface TimelineEntry {
  /** 1, 2, 3 … within the session. */
  number: number;
  type: EntryType;
  nodeId: string;
  /** The handle by which the node was left; empty where it was not. */
  handle: string;
  detail: JsonObject;
  warnings: string[];
}

/** What a sprint came to. */
export interface Sprint {
  state: SessionState;
  effects: Effect[];
  timeline: TimelineEntry[];
}

// Engines of `filter spoe` while the configuration is being read. A part of draft.ts.

import type { ConditionPlan, SamplePlan } from "../plan/expression.ts";
import type { SpoeMessagePlan } from "../plan/spoe.ts";
import type { ProxyDraft } from "./draft.ts";
import type { AclTests } from "./expression/condition.ts";
import type { Statement } from "./statement.ts";

/** Where an engine's message is sent; "" of one that only groups have. */
export type SpoeEvent =
  | "on-client-session"
  | "on-frontend-tcp-request"
  | "on-backend-tcp-request"
  | "on-frontend-http-request"
  | "on-backend-http-request"
  | "on-tcp-response"
  | "on-http-response";

export interface SpoeMessageDraft {
  readonly name: string;
  readonly acls: AclTests;
  readonly args: { readonly name: string; readonly sample: SamplePlan }[];
  event: SpoeEvent | null;
  condition: ConditionPlan | null;
}

/** Names with the statement that names them. */
export type NamedBy = { readonly name: string; readonly statement: Statement };

export interface SpoeDraft {
  readonly proxy: ProxyDraft;
  /** The `filter` line. */
  readonly statement: Statement;
  readonly engine: string | null;
  agent: NamedBy | null;
  backend: NamedBy | null;
  readonly messageNames: NamedBy[];
  readonly groupNames: NamedBy[];
  readonly messages: Map<string, SpoeMessageDraft>;
  readonly groups: Map<string, NamedBy[]>;
  prefix: string | null;
  processingMs: number;
  frameBytesMax: number;
  pipelining: boolean;
  continueOnError: boolean;
  readonly registered: string[];
  error: string | null;
  processTime: string | null;
  totalTime: string | null;
}

/** `send-spoe-group <engine> <group>`: its messages are filled in when everything has been read. */
export interface SpoeGroupUse {
  readonly engine: string;
  readonly group: string;
  readonly proxy: ProxyDraft;
  readonly statement: Statement;
  readonly found: (engine: number, messages: readonly SpoeMessagePlan[]) => void;
}

/**
 * Interface of an endpoint: somebody else's model behind a chat API, which can only be asked. It takes messages where
 * an engine (policy/engine.ts) takes tokens, and has neither states nor log-probs of given tokens, and no answer is
 * bit-exact. endpoint-table.ts lists the endpoints.
 */
import type { MtrlError } from '../../core/errors.ts';

/** What, with the question, determines an answer. */
export interface EndpointModel {
  /** Base address of the API: that of its requests without `/chat/completions`. */
  readonly address: string;
  readonly model: string;
  /** Name of the request field that limits the tokens of an answer. */
  readonly tokenLimit: 'max_tokens' | 'max_completion_tokens';
  /** Request fields that the endpoint rejects and that are left out. */
  readonly omit: readonly ('temperature' | 'top_p' | 'seed')[];
}

export interface EndpointSettings extends EndpointModel {
  /** Environment variable with the key. Default: OPENAI_API_KEY if it is set, else no key is sent. */
  readonly keyVariable?: string | undefined;
  readonly timeoutMs: number;
}

export type EndpointPart =
  | { readonly type: 'text'; readonly text: string }
  /** An encoded image file: PNG, JPEG, WebP or GIF. */
  | { readonly type: 'image'; readonly mediaType: string; readonly bytes: Uint8Array };

export interface EndpointMessage {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: readonly EndpointPart[];
}

export interface EndpointQuestion {
  readonly messages: readonly EndpointMessage[];
  /** 0: the most probable answer. */
  readonly temperature: number;
  readonly topP?: number;
  readonly seed: number;
  /** Answers are cut off after this many tokens. */
  readonly tokenCountMax: number;
}

export interface TokenUsage {
  readonly promptTokenCount: number;
  readonly completionTokenCount: number;
}

/** What became of a question that can be answered by no retry: the row is at fault, or the model refuses. */
export type Refusal = 'prompt-too-long' | 'refused';

export interface EndpointAnswer {
  readonly text: string;
  /** `length`: cut off. */
  readonly finishReason: 'stop' | 'length';
  /** The text is empty then. */
  readonly refusal?: Refusal;
  /** As billed, if the endpoint says so; absent if the question was rejected before it was computed. */
  readonly usage?: TokenUsage;
}

export interface Endpoint {
  /** The request as it will be sent, in full: the key of its answer. */
  requestOf(question: EndpointQuestion): string;
  /**
   * Sends a request until it is answered, within bounds. Throws ENDPOINT_REFUSED, ENDPOINT_UNREACHABLE,
   * ENDPOINT_ANSWER_INVALID, or the signal's reason. A request in flight is not aborted: its answer is paid for.
   */
  ask(request: string): Promise<EndpointAnswer>;
}

export interface EndpointSurroundings {
  readonly environment: NodeJS.ProcessEnv;
  /** Stops pauses and further requests. */
  readonly signal: AbortSignal;
  /** How long a response asks to wait, in milliseconds; undefined if it does not say. */
  readonly retryAfterMsOf: (response: Response) => number | undefined;
  /** Told of an attempt that failed and is repeated after `waitMs`. */
  readonly onRetry?: (error: MtrlError, waitMs: number) => void;
}

/** Throws ENDPOINT_REFUSED for a missing key. */
export type OpenEndpoint = (settings: EndpointSettings, surroundings: EndpointSurroundings) => Endpoint;

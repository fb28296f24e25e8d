/** Answers requests to /v1/chat/completions, whole or as server-sent events, and records them. */
import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Logger } from 'pino';
import { required } from '../../core/assert.ts';
import { sha256 } from '../../core/json.ts';
import type { AuditLog } from '../audit-log.ts';
import { asHttpError, bodyOf } from '../http/http-error.ts';
import type { Limits } from '../limits.ts';
import type { ServedPolicy } from '../policies/served-policy.ts';
import { chatCompletion, type ChatHead } from './chat-response.ts';
import type { ChatRequest } from './chat-request.ts';
import { ChatStream } from './chat-stream.ts';
import { type Completed, completing } from './complete.ts';

export interface ChatServiceOptions {
  readonly limits: Limits;
  readonly pictureHosts: readonly string[];
  readonly log: Logger;
  /** Undefined if the operator wants none. */
  readonly audit?: AuditLog;
}

export interface ChatCaller {
  readonly signal: AbortSignal;
  /** Name of the caller's token, if tokens are required. */
  readonly name?: string;
}

const seedMax = 2 ** 31;
/** Time for a client to read the event of a failure. */
const lastEventMs = 1_000;

export class ChatService {
  readonly #options: ChatServiceOptions;

  constructor(options: ChatServiceOptions) {
    this.#options = options;
  }

  /**
   * Calls `respond` once, a stream's with its first chunks, and resolves when the response is complete. Throws like
   * `completing`, and if the record cannot be written; once a stream has begun, its failure is its last event.
   */
  async answer(
    c: Context,
    served: ServedPolicy,
    request: ChatRequest,
    caller: ChatCaller,
    respond: (response: Response) => void,
  ): Promise<void> {
    const { limits, pictureHosts, log } = this.#options;
    const startedAtMs = performance.now();
    const head = headOf(served);
    const seed = request.seed ?? randomInt(seedMax);
    const rules = { ...limits, hosts: pictureHosts };
    const answers = completing(served, request, { rules, signal: caller.signal, seed });
    const record = (completed: Completed) => this.#record(head, { ...request, seed }, completed, caller, startedAtMs);
    const first = required((await answers.next()).value ?? undefined, 'an answer');
    if (first.isWhole) await record(first);
    if (request.stream === true) await sendStream(c, { head, request, caller, first, answers, record, log }, respond);
    else respond(c.json(chatCompletion(head, first)));
  }

  async #record(
    head: ChatHead,
    { messages, ...asked }: ChatRequest,
    completed: Completed,
    { name }: ChatCaller,
    startedAtMs: number,
  ): Promise<void> {
    const latency = (performance.now() - startedAtMs) / 1000;
    await this.#options.audit?.chatted({
      ...{ ...head, ...asked, ...(name !== undefined && { name }), messages: messages.map(withoutPictures) },
      ...{ ...completed, at: new Date().toISOString(), latency },
    });
  }
}

interface StreamedAnswer {
  readonly head: ChatHead;
  readonly request: ChatRequest;
  readonly caller: ChatCaller;
  readonly first: Completed;
  /** The answers after the first. */
  readonly answers: AsyncGenerator<Completed, void>;
  readonly record: (completed: Completed) => Promise<void>;
  readonly log: Logger;
}

/** A whole answer is recorded before its last chunks are sent, and what a client has read of another when it leaves. */
function sendStream(
  c: Context,
  { head, request, caller: { signal }, first, answers, record, log }: StreamedAnswer,
  respond: (response: Response) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const response = streamSSE(c, async (stream) => {
      const chunks = new ChatStream(head, request);
      const givenUp = new Promise<never>((_, reject) => {
        const giveUp = (): void => reject(signal.reason as Error);
        if (signal.aborted) giveUp();
        else signal.addEventListener('abort', giveUp, { once: true });
      });
      givenUp.catch(() => undefined);
      // A client that reads slowly is waited for until the deadline alone.
      const send = (data: string): Promise<void> => Promise.race([stream.writeSSE({ data }), givenUp]);
      let sent = first;
      try {
        for (const chunk of chunks.next(first)) await send(JSON.stringify(chunk));
        for await (const completed of answers) {
          if (completed.isWhole) await record(completed);
          sent = completed;
          for (const chunk of chunks.next(completed)) await send(JSON.stringify(chunk));
        }
        await send('[DONE]');
      } catch (error) {
        const failure = asHttpError(error);
        if (failure.status >= 500 && !signal.aborted) log.error({ err: failure.cause ?? failure }, 'a stream failed');
        await Promise.race([stream.writeSSE({ data: JSON.stringify(bodyOf(failure)) }), sleep(lastEventMs)]);
        if (!sent.isWhole) await record(sent);
      } finally {
        resolve();
      }
    });
    respond(response);
  });
}

/** The message with the digests of its pictures' addresses in their place. */
function withoutPictures({ role, content }: ChatRequest['messages'][number]) {
  if (typeof content === 'string') return { role, content };
  return {
    role,
    content: content.map((part) => (part.type === 'text' ? part : { image: sha256(part.image_url.url) })),
  };
}

function headOf({ name, checkpoint }: ServedPolicy): ChatHead {
  return {
    ...{ id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: name },
    system_fingerprint: checkpoint.sha256,
  };
}

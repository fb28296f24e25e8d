/** A strict OpenAI-compatible server: it checks what is on the wire, counts what it answered, and fails as it is told. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { requestText, stopServer } from './http-server.ts';

interface ImagePart {
  readonly type: 'image_url';
  readonly image_url: { readonly url: string };
}
interface TextPart {
  readonly type: 'text';
  readonly text: string;
}

export interface ChatBody {
  readonly model: string;
  readonly messages: readonly {
    readonly role: string;
    readonly content: string | readonly (ImagePart | TextPart)[];
  }[];
  readonly temperature?: number;
  readonly top_p?: number;
  readonly seed?: number;
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
}

/** What a request gets instead of an answer. */
export type Trouble =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  /**
   * drop: cuts the connection after the request has been received. truncate: ends it within the body. hang: never
   * answers.
   */
  | { readonly trouble: 'drop' | 'truncate' | 'hang' };

export interface Answered {
  readonly text: string | null;
  readonly finishReason?: string;
  readonly refusal?: string;
  /** No counts of tokens. */
  readonly uncounted?: boolean;
}

export type Reply = (body: ChatBody) => string | Answered | Trouble;

const fields = ['model', 'messages', 'temperature', 'top_p', 'seed', 'max_tokens', 'max_completion_tokens'];
const starts: Readonly<Record<string, string>> = { 'image/png': '\x89PNG', 'image/jpeg': '\xff\xd8\xff' };

export class EndpointServer {
  /** Every valid request, in the order of arrival. */
  readonly requests: ChatBody[] = [];
  /** Requests that were answered, as text: what somebody pays for. */
  readonly paid: string[] = [];
  /** Whatever was wrong on the wire. */
  readonly problems: string[] = [];
  openCount = 0;
  openCountMax = 0;
  readonly #server: Server;
  readonly #key: string | undefined;
  reply: Reply;

  private constructor(reply: Reply, key: string | undefined) {
    this.reply = reply;
    this.#key = key;
    this.#server = createServer((request, response) => {
      this.openCountMax = Math.max(this.openCountMax, ++this.openCount);
      response.once('close', () => this.openCount--);
      this.#serve(request, response).catch((error: unknown) => this.problems.push(String(error)));
    });
  }

  /** @param key the key that it wants; undefined if it wants none */
  static async start(reply: Reply, key?: string): Promise<EndpointServer> {
    const made = new EndpointServer(reply, key);
    await new Promise<void>((resolve) => made.#server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get address(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}/v1`;
  }

  async close(): Promise<void> {
    await stopServer(this.#server);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await requestText(request);
    const wanted = this.#key === undefined ? undefined : `Bearer ${this.#key}`;
    if (request.headers.authorization !== wanted) {
      const error = {
        message: `Incorrect API key provided: ${request.headers.authorization ?? 'none'}`,
        code: 'invalid_api_key',
      };
      send(response, 401, { error });
      return;
    }
    const problem = problemOf(request, text);
    if (problem !== undefined) {
      this.problems.push(problem);
      send(response, 400, { error: { message: problem } });
      return;
    }
    const body = JSON.parse(text) as ChatBody;
    this.requests.push(body);
    this.#answer(response, text, this.reply(body));
  }

  #answer(response: ServerResponse, request: string, reply: ReturnType<Reply>): void {
    const trouble = typeof reply !== 'string' && 'trouble' in reply ? reply.trouble : undefined;
    if (trouble === 'hang') return;
    if (trouble === 'drop') {
      response.destroy();
      return;
    }
    if (typeof reply !== 'string' && 'status' in reply) {
      send(response, reply.status, reply.body ?? {}, reply.headers);
      return;
    }
    const given: Answered =
      typeof reply !== 'string' && 'text' in reply ? reply : { text: typeof reply === 'string' ? reply : 'cut' };
    const { text, finishReason = 'stop', refusal, uncounted = false } = given;
    const message = { role: 'assistant', content: text, ...(refusal !== undefined && { refusal }) };
    const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };
    const whole = {
      ...{ id: 'x', object: 'chat.completion', choices: [{ index: 0, message, finish_reason: finishReason }] },
      ...(!uncounted && { usage }),
    };
    if (trouble === 'truncate') {
      const bytes = Buffer.from(JSON.stringify(whole));
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': bytes.byteLength });
      response.write(bytes.subarray(0, 20), () => response.destroy());
      return;
    }
    this.paid.push(request);
    send(response, 200, whole);
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(text);
}

function problemOf({ method, url, headers }: IncomingMessage, text: string): string | undefined {
  if (method !== 'POST' || url !== '/v1/chat/completions') return `${method ?? ''} ${url ?? ''}`;
  if (headers['content-type'] !== 'application/json') return `content-type ${headers['content-type'] ?? 'missing'}`;
  const body = JSON.parse(text) as Partial<ChatBody>;
  const unknown = Object.keys(body).filter((name) => !fields.includes(name));
  if (unknown.length > 0) return `unknown fields ${unknown.join()}`;
  if (typeof body.model !== 'string') return 'no model';
  if ((body.max_tokens === undefined) === (body.max_completion_tokens === undefined)) return 'not one limit of tokens';
  if (!Array.isArray(body.messages) || body.messages.length === 0) return 'no messages';
  return (body as ChatBody).messages.flatMap(({ role, content }) => [
    ...(['user', 'assistant', 'system'].includes(role) ? [] : [`role ${role}`]),
    ...(typeof content === 'string' ? [] : content.flatMap((part) => partProblem(part))),
  ])[0];
}

function partProblem(part: ImagePart | TextPart): string[] {
  if (part.type === 'text') return part.text === '' ? ['an empty text part'] : [];
  const [, mediaType = '', base64 = ''] = /^data:([^;]+);base64,(.+)$/.exec(part.image_url.url) ?? [];
  const start = starts[mediaType];
  const bytes = Buffer.from(base64, 'base64').toString('latin1');
  return start !== undefined && bytes.startsWith(start) ? [] : [`an image of type ${mediaType} that is none`];
}

/**
 * A Tinker server of the tests' own: strict about the wire, and able to delay, drop answers, refuse and restart empty.
 * Ids, statuses and words of errors are those of SkyRL's server (docs/tinker.md).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { required } from '../../core/assert.ts';
import { type Adam, TablePolicy } from './tinker-policy.ts';
import { type Body, passOf, tokensOf, wireProblem } from './tinker-wire.ts';
import { requestBytes, stopServer } from './http-server.ts';
import { contentOfFrame, outputBytes, passBody, sampleBytes } from './tinker-messages.ts';

/** drop: before the request is looked at. lose: its answer, after it was applied. hang: no answer at all. */
export type Fault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: object }
  | { readonly kind: 'drop' | 'lose' | 'hang' };

export interface TinkerServerOptions {
  readonly baseModel: string;
  /** [token before][token] */
  readonly logits: readonly (readonly number[])[];
  readonly key?: string;
  /** Receives each answered request instead of `requests`. */
  readonly log?: (request: LoggedRequest) => void;
  /** Losses are means over sequences, as with SkyRL's JAX backend. */
  readonly divides?: boolean;
  /** Asks for passes compressed with zstd, and takes no others. */
  readonly compresses?: boolean;
}

interface LoggedRequest {
  readonly verb: string;
  readonly body: Body;
  /** Of the body as it was sent. */
  readonly byteLength: number;
}

interface Model {
  readonly policy: TablePolicy;
  readonly seen: Map<number, { readonly text: string; readonly id: string }>;
  isUsed: boolean;
}

const protobufType = 'application/x-protobuf';

/** An error of the API. */
class Problem extends Error {
  readonly status: number;
  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** Bytes are protobuf. */
type Result = Readonly<Record<string, unknown>> | Uint8Array | Problem;

export class TinkerServer {
  /** Every request that had an answer of the API, in order. */
  readonly requests: LoggedRequest[] = [];
  readonly problems: string[] = [];
  /** What a request gets instead of its answer. */
  fault: (verb: string, body: Body) => Fault | undefined = () => undefined;
  /** Whether a result is not ready yet, at each poll. */
  isPending: (requestId: string) => boolean = () => false;
  /** Changes what samplers answer. */
  tamper: (sequences: { tokens: number[]; logprobs: (number | null)[] }[]) => void = () => undefined;
  /** Samples that wait for their result now, and the most of them so far. */
  samplingCount = 0;
  samplingCountMax = 0;
  readonly #options: TinkerServerOptions;
  readonly #server: Server;
  #epoch = 0;
  #idCount = 0;
  #sessions = new Set<string>();
  #models = new Map<string, Model>();
  #samplers = new Map<string, TablePolicy>();
  #saves = new Map<string, TablePolicy>();
  #results = new Map<string, Result>();
  #samplerNames = new Set<string>();

  private constructor(options: TinkerServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => this.problems.push(String(error)));
    });
  }

  static async start(options: TinkerServerOptions): Promise<TinkerServer> {
    const made = new TinkerServer(options);
    await new Promise<void>((resolve) => made.#server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  get modelCount(): number {
    return this.#models.size;
  }

  get savePaths(): string[] {
    return [...this.#saves.keys()];
  }

  /** The model that was made last. */
  get newest(): TablePolicy {
    return required([...this.#models.values()].at(-1), 'a model').policy;
  }

  countOf(verb: string): number {
    return this.requests.filter((request) => request.verb === verb).length;
  }

  /** Models, sessions and samplers are gone; saves stay on the disk, unless it is lost too. */
  restart({ keepsSaves }: { readonly keepsSaves: boolean }): void {
    this.#epoch++;
    this.#sessions = new Set();
    this.#models = new Map();
    this.#samplers = new Map();
    this.#results = new Map();
    if (!keepsSaves) this.#saves = new Map();
  }

  async close(): Promise<void> {
    await stopServer(this.#server);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const sent = await requestBytes(request);
    const verb = (request.url ?? '').replace(/^\/api\/v1\//, '');
    const isBinary = request.headers['content-type'] === protobufType;
    const coding = isBinary && this.#options.compresses === true ? 'zstd' : undefined;
    if (request.headers['content-encoding'] !== coding) {
      const { status, message } = this.#wrong(`${verb} with the coding ${String(request.headers['content-encoding'])}`);
      send(response, status, { detail: message });
      return;
    }
    const bytes = coding === undefined ? sent : contentOfFrame(sent);
    const body = (isBinary ? passBody(bytes) : bytes.length === 0 ? {} : JSON.parse(bytes.toString())) as Body;
    const fault = this.fault(verb, body);
    if (fault !== undefined && 'status' in fault) {
      send(response, fault.status, fault.body ?? { detail: 'as the test wants' }, fault.headers);
      return;
    }
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'drop') {
      response.destroy();
      return;
    }
    const outcome = await this.#outcome(request, verb, body, bytes).catch((error: unknown) => {
      if (error instanceof Problem) return error;
      throw error;
    });
    const { log = (logged) => this.requests.push(logged) } = this.#options;
    log({ verb, body, byteLength: sent.byteLength });
    if (fault?.kind === 'lose') response.destroy();
    else if (outcome instanceof Problem) send(response, outcome.status, { detail: outcome.message });
    else send(response, 200, outcome);
  }

  async #outcome(request: IncomingMessage, verb: string, body: Body, bytes: Buffer): Promise<object> {
    const { key } = this.#options;
    if (request.headers['x-api-key'] !== key)
      throw new Problem(401, `Invalid API key ${String(request.headers['x-api-key'])}`);
    if (request.method === 'GET' && verb === 'get_server_capabilities') {
      return { supported_models: [{ model_name: this.#options.baseModel }] };
    }
    if (request.method === 'DELETE') return this.#deleted(verb);
    const wanted = verb === 'forward_backward' ? protobufType : 'application/json';
    if (request.method !== 'POST' || request.headers['content-type'] !== wanted) {
      throw this.#wrong(`${String(request.method)} ${verb} of ${String(request.headers['content-type'])}`);
    }
    if (verb === 'retrieve_future' && request.headers.accept?.includes(protobufType) !== true) {
      throw this.#wrong(`results are ${protobufType}`);
    }
    const problem = wireProblem(verb, body);
    if (problem !== undefined) throw this.#wrong(`${verb}: ${problem}`);
    switch (verb) {
      case 'client/config':
        // As SkyRL's, which leaves out the flags that it does not know.
        return { pjwt_auth_enabled: false, ...(this.#options.compresses === true && { proto_compress_fwdbwd: true }) };
      case 'create_session':
        return { type: verb, session_id: this.#add(this.#sessions, 'session') };
      case 'session_heartbeat':
        this.#requireSession(body);
        return { type: verb };
      case 'create_sampling_session':
        this.#requireSession(body);
        this.#requireBase(body);
        return { type: verb, sampling_session_id: this.#newSampler(this.#base()) };
      case 'weights_info':
        if (!this.#saves.has(String(body['tinker_path']))) throw new Problem(404, 'Checkpoint not found');
        return { base_model: this.#options.baseModel, is_lora: true, lora_rank: 1 };
      case 'retrieve_future':
        return this.#retrieved(String(body['request_id']));
      case 'create_model':
        return this.#created(body);
      case 'unload_model':
        this.#modelOf(body);
        this.#models.delete(String(body['model_id']));
        return this.#pending({ type: verb });
      case 'asample':
        return this.#sampling(body);
      default:
        return this.#numbered(verb, body, bytes.toString('latin1'));
    }
  }

  /** Requests of a model are numbered from 1, without gaps; one that comes again is not applied again. */
  async #numbered(verb: string, body: Body, text: string): Promise<object> {
    const model = this.#modelOf(body);
    const number = Number(body['seq_id']);
    const before = model.seen.get(number);
    if (verb === 'load_weights' && model.isUsed)
      throw new Problem(400, `LoadWeights is not permitted with seq_id ${number}`);
    // As in SkyRL, saves are known by their names alone.
    const isNamed = verb.startsWith('save_weights');
    if (before !== undefined && !isNamed) {
      if (before.text !== text) throw new Problem(409, 'Training request sequence number was reused');
      return { request_id: before.id, future_id: before.id, status: 'pending' };
    }
    if (before === undefined && number !== model.seen.size + 1)
      throw this.#wrong(`seq_id ${String(number)} of ${verb}`);
    model.isUsed = true;
    const id = String(++this.#idCount);
    model.seen.set(number, { text, id });
    return this.#pending(await this.#applied(verb, body, model), { id });
  }

  async #applied(verb: string, body: Body, model: Model): Promise<Result> {
    const { logits, divides = false } = this.#options;
    const id = String(body['model_id']);
    if (verb === 'forward_backward') {
      try {
        const pass = await passOf(body['forward_backward_input'], logits.length);
        const outputs = pass.sequences.map((sequence) => model.policy.logProbs(sequence));
        if (body['forward_only'] !== true) {
          model.policy.accumulate(pass.sequences, pass.lossFn, pass.config, divides);
        }
        return outputBytes(outputs);
      } catch (error) {
        if (error instanceof RangeError) return new Problem(400, error.message);
        throw error;
      }
    }
    switch (verb) {
      case 'optim_step':
        return { metrics: { 'skyrl.ai/grad_norm': model.policy.step(body['adam_params'] as Adam, divides) } };
      case 'load_weights': {
        const save = this.#saves.get(String(body['path']));
        if (save === undefined) throw new Problem(404, `Checkpoint not found: ${String(body['path'])}`);
        this.#models.set(id, { ...model, policy: save.copy(body['optimizer'] === true) });
        return { type: verb };
      }
      case 'save_weights': {
        const path = `tinker://${id}/weights/${String(body['path'])}`;
        if (this.#saves.has(path)) throw new Problem(409, `Checkpoint '${String(body['path'])}' already exists`);
        this.#saves.set(path, model.policy.copy());
        return { type: verb, path };
      }
      default: {
        const name = `${id} ${String(body['sampling_session_seq_id'])} ${String(body['seq_id'])}`;
        if (this.#samplerNames.has(name)) throw new Problem(409, 'Checkpoint already exists');
        this.#samplerNames.add(name);
        return { type: verb, path: null, sampling_session_id: this.#newSampler(model.policy.copy()) };
      }
    }
  }

  async #sampling(body: Body): Promise<object> {
    const policy = this.#samplers.get(String(body['sampling_session_id']));
    if (policy === undefined) throw new Problem(404, 'Sampling session not found');
    const params = body['sampling_params'] as {
      readonly stop: number[];
      readonly max_tokens: number;
      readonly temperature: number;
      readonly seed: number;
    };
    const count = Number(body['num_samples']);
    this.samplingCountMax = Math.max(this.samplingCountMax, ++this.samplingCount);
    try {
      const tokens = await tokensOf(body['prompt'] as never, this.#options.logits.length);
      const last = required(tokens.at(-1), 'a prompt');
      const sequences = Array.from({ length: count }, (_, k) => policy.sample(last, params.seed + k, params));
      this.tamper(sequences);
      return this.#pending(sampleBytes(sequences), { isSample: true });
    } catch (error) {
      if (error instanceof RangeError) return this.#pending(new Problem(400, error.message), { isSample: true });
      throw error;
    }
  }

  #created(body: Body): object {
    this.#requireSession(body);
    this.#requireBase(body);
    const id = `model_${String(++this.#idCount)}`;
    this.#models.set(id, { policy: this.#base(), seen: new Map(), isUsed: false });
    return { ...this.#pending({ model_id: id, base_model: body['base_model'] }), model_id: id };
  }

  #retrieved(id: string): object {
    const result = this.#results.get(id);
    if (result === undefined) throw new Problem(404, 'Future not found');
    if (this.isPending(id)) throw new Problem(408, 'Timeout waiting for result');
    if (this.#waiting.delete(id)) this.samplingCount--;
    if (result instanceof Problem) throw result;
    return result;
  }

  readonly #waiting = new Set<string>();

  #pending(
    result: Result,
    { id = String(++this.#idCount), isSample = false }: { readonly id?: string; readonly isSample?: boolean } = {},
  ): { readonly request_id: string } {
    this.#results.set(id, result);
    if (isSample) this.#waiting.add(id);
    return { request_id: id, ...{ future_id: id, status: 'pending' } };
  }

  #deleted(verb: string): object {
    const [, model = '', name = ''] = /^training_runs\/([^/]+)\/checkpoints\/(weights\/.+)$/.exec(verb) ?? [];
    if (!this.#saves.delete(`tinker://${model}/${name}`)) throw new Problem(404, 'Checkpoint not found');
    return {};
  }

  #base = (): TablePolicy => new TablePolicy(this.#options.logits);

  #newSampler(policy: TablePolicy): string {
    const id = `sampling_${String(++this.#idCount)}`;
    this.#samplers.set(id, policy);
    return id;
  }

  #add(ids: Set<string>, kind: string): string {
    const id = `${kind}_${String(this.#epoch)}_${String(++this.#idCount)}`;
    ids.add(id);
    return id;
  }

  #modelOf(body: Body): Model {
    const model = this.#models.get(String(body['model_id']));
    if (model === undefined) throw new Problem(404, 'Model not found');
    return model;
  }

  #requireSession(body: Body): void {
    if (!this.#sessions.has(String(body['session_id']))) throw new Problem(404, 'Session not found');
  }

  #requireBase(body: Body): void {
    if (body['base_model'] !== this.#options.baseModel) throw this.#wrong(`base model ${String(body['base_model'])}`);
  }

  /** The client sent what the API does not have: a test fails by it. */
  #wrong(problem: string): Problem {
    this.problems.push(problem);
    return new Problem(422, problem);
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const isBinary = body instanceof Uint8Array;
  const type = isBinary ? protobufType : 'application/json';
  response.writeHead(status, { 'Content-Type': type, ...headers }).end(isBinary ? body : JSON.stringify(body));
}

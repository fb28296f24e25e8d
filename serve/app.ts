/** The routes of the server. */
import { randomInt, randomUUID } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Logger } from 'pino';
import { chatChunks, chatCompletion, type ChatHead } from './chat/chat-response.ts';
import { chatRequestSchema } from './chat/chat-request.ts';
import { complete } from './chat/complete.ts';
import { type Access, callerOf } from './http/access.ts';
import { asHttpError, bodyOf, HttpError } from './http/http-error.ts';
import type { InFlight } from './http/in-flight.ts';
import type { ServeMetrics } from './http/metrics.ts';
import { readBody } from './http/request-body.ts';
import { judge, type RowResult } from './judging/judge.ts';
import { judgeRequestSchema } from './judging/judge-request.ts';
import type { Limits } from './limits.ts';
import type { ServedPolicy } from './policies/served-policy.ts';

export interface AppSurroundings {
  /** The policy that new requests are answered with. */
  readonly served: () => ServedPolicy;
  readonly limits: Limits;
  readonly access: Access;
  readonly pictureHosts: readonly string[];
  readonly inFlight: InFlight;
  readonly metrics: ServeMetrics;
  readonly log: Logger;
}

const seedMax = 2 ** 31;

export function createApp(surroundings: AppSurroundings): Hono {
  const { served, limits, access, pictureHosts, inFlight, metrics, log } = surroundings;
  const app = new Hono();
  const judgeSchema = judgeRequestSchema(limits);
  const chatSchema = chatRequestSchema(limits);

  app.use(async (c, next) => {
    const startedAtMs = performance.now();
    await next();
    metrics.answered(c.req.routePath, c.res.status, performance.now() - startedAtMs);
  });
  app.onError((error, c) => {
    const failure = asHttpError(error);
    if (failure.status >= 500) log.error({ err: failure.cause ?? failure }, 'a request failed');
    if (failure.place.retryAfterS !== undefined) c.header('Retry-After', String(failure.place.retryAfterS));
    if (failure.status === 401) c.header('WWW-Authenticate', 'Bearer');
    // What is left of the body is not read.
    if (failure.status === 413 || failure.status === 408 || inFlight.isDraining) c.header('Connection', 'close');
    return c.json(bodyOf(failure), failure.status);
  });
  app.notFound((c) => {
    throw new HttpError(404, `there is no ${c.req.method} ${c.req.path}`);
  });

  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', (c) => {
    if (inFlight.isDraining) throw new HttpError(503, 'the server is shutting down', { retryAfterS: 1 });
    return c.json({ status: 'ok', model: served().name, policy: served().checkpoint.sha256 });
  });
  app.get('/metrics', async (c) => c.body(await metrics.text(), 200, { 'Content-Type': metrics.contentType }));

  app.use('/v1/*', async (c, next) => {
    await callerOf(c.req.raw, access);
    await next();
  });
  app.get('/v1/models', (c) => c.json({ object: 'list', data: [modelOf(served())] }));
  app.get('/v1/models/:model{.+}', (c) => {
    requireModel(served(), c.req.param('model'));
    return c.json(modelOf(served()));
  });

  app.post('/v1/judge', (c) =>
    inFlight.answer(c.req.raw.signal, async (signal) => {
      const startedAtMs = performance.now();
      const request = await readBody(c.req.raw, judgeSchema, limits);
      const policy = served();
      if (request.model !== undefined) requireModel(policy, request.model);
      const { seed = randomInt(seedMax) } = request;
      const rows = await judge(policy, request, { limits, pictureHosts, signal, seed });
      for (const row of rows) metrics.judged(request.task, outcomeOf(row));
      const head = {
        ...{ object: 'judgment', model: policy.name, policy: { sha256: policy.checkpoint.sha256 } },
        ...(policy.version !== undefined && { version: policy.version }),
        ...{ task: request.task, mode: request.mode ?? policy.mode, ordering: request.ordering ?? null },
        ...(isDrawn(request) && { seed }),
        latencyMs: performance.now() - startedAtMs,
      };
      if (!('rows' in request)) return c.json({ ...head, ...rows[0] });
      return c.json({ ...head, object: 'list', data: rows });
    }),
  );

  app.post('/v1/chat/completions', (c) =>
    inFlight.answer(c.req.raw.signal, async (signal) => {
      const request = await readBody(c.req.raw, chatSchema, limits);
      const policy = served();
      requireModel(policy, request.model);
      const rules = { ...limits, hosts: pictureHosts };
      const seed = request.seed ?? randomInt(seedMax);
      const head = headOf(policy);
      const completed = await complete(policy, request, { rules, signal, seed });
      if (request.stream !== true) return c.json(chatCompletion(head, completed));
      return streamed(c, chatChunks(head, completed, request.stream_options?.include_usage === true));
    }),
  );
  return app;
}

function streamed(c: Context, chunks: Iterable<object>): Response {
  return streamSSE(c, async (stream) => {
    for (const chunk of chunks) await stream.writeSSE({ data: JSON.stringify(chunk) });
    await stream.writeSSE({ data: '[DONE]' });
  });
}

function headOf({ name, checkpoint }: ServedPolicy): ChatHead {
  return {
    ...{ id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: name },
    system_fingerprint: checkpoint.sha256,
  };
}

function modelOf({ name, checkpoint, recipe, version }: ServedPolicy) {
  return {
    ...{ id: name, object: 'model', created: 0, owned_by: 'mt-rl-judge' },
    ...{ policy: { sha256: checkpoint.sha256 }, ...(version !== undefined && { version }) },
    tasks: Object.entries(recipe.tasks).map(([task, { kind, labels }]) => ({ task, kind, labels })),
  };
}

function requireModel({ name }: ServedPolicy, model: string): void {
  if (model === name) return;
  throw new HttpError(404, `there is no model ${model.slice(0, 100)}; this server has ${name}`, {
    param: 'model',
    code: 'model_not_found',
  });
}

/** Whether an answer depends on the seed. */
function isDrawn({
  votes = 1,
  ordering,
}: {
  readonly votes?: number | undefined;
  readonly ordering?: string | undefined;
}) {
  return votes > 1 || ordering === 'random';
}

function outcomeOf(row: RowResult): 'verdict' | 'unparsable' | 'undecided' | 'refused' {
  if ('error' in row) return 'refused';
  if (row.verdict !== null) return 'verdict';
  return row.unparsable === undefined ? 'undecided' : 'unparsable';
}

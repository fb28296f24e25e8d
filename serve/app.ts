/** The routes of the server. */
import { type Context, Hono } from 'hono';
import { routePath } from 'hono/route';
import type { Logger } from 'pino';
import type { AuditLog } from './audit-log.ts';
import { chatRequestSchema } from './chat/chat-request.ts';
import { ChatService } from './chat/chat-service.ts';
import type { Access } from './http/access.ts';
import { asHttpError, bodyOf, HttpError } from './http/http-error.ts';
import type { InFlight } from './http/in-flight.ts';
import type { ServeMetrics } from './http/metrics.ts';
import { openApi } from './http/openapi.ts';
import { readBody } from './http/request-body.ts';
import { judgeRequestSchema } from './judging/judge-request.ts';
import { JudgeService } from './judging/judge-service.ts';
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
  /** Undefined if the operator wants no records. */
  readonly audit?: AuditLog;
  readonly log: Logger;
}

/** What a request carries through its handlers. */
interface Env {
  Variables: { caller: string | undefined };
}

export function createApp(surroundings: AppSurroundings): Hono<Env> {
  const { served, limits, access, pictureHosts, inFlight, metrics, audit, log } = surroundings;
  const app = new Hono<Env>();
  const bodies = { judge: judgeRequestSchema(limits), chat: chatRequestSchema(limits) };
  const judging = new JudgeService({ limits, pictureHosts, metrics, ...(audit && { audit }) });
  const chatting = new ChatService({ limits, pictureHosts, log, ...(audit && { audit }) });

  app.use(async (c, next) => {
    const startedAtMs = performance.now();
    await next();
    metrics.answered(routePath(c, -1), c.res.status, performance.now() - startedAtMs);
  });
  app.onError((error, c) => {
    const failure = asHttpError(error);
    if (failure.status >= 500) log.error({ err: failure.cause ?? failure }, 'a request failed');
    if (failure.place.retryAfterS !== undefined) c.header('Retry-After', String(failure.place.retryAfterS));
    if (failure.status === 401) c.header('WWW-Authenticate', 'Bearer');
    // What is left of the body is not read.
    if (failure.status === 413 || failure.status === 408 || inFlight.isDraining) c.header('Connection', 'close');
    // 499 is a status of nginx that the library does not know.
    return c.json(bodyOf(failure), failure.status as 400);
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

  app.get('/openapi.json', (c) => {
    const { name, recipe } = served();
    return c.json(openApi(bodies, { model: [name], task: Object.keys(recipe.tasks) }));
  });

  app.use('/v1/*', async (c, next) => {
    c.set('caller', await access.callerOf(c.req.raw));
    await next();
  });
  app.get('/v1/models', (c) => c.json({ object: 'list', data: [modelOf(served())] }));
  app.get('/v1/models/:model{.+}', (c) => {
    requireModel(served(), c.req.param('model'));
    return c.json(modelOf(served()));
  });

  app.post('/v1/judge', (c) =>
    inFlight.answer(c.req.raw.signal, async (signal) => {
      const request = await readBody(c.req.raw, bodies.judge, limits);
      const policy = served();
      if (request.model !== undefined) requireModel(policy, request.model);
      return c.json(await judging.answer(policy, request, { signal, ...nameOf(c) }));
    }),
  );

  app.post(
    '/v1/chat/completions',
    (c) =>
      new Promise<Response>((resolve, reject) => {
        const answering = inFlight.answer(c.req.raw.signal, async (signal) => {
          const request = await readBody(c.req.raw, bodies.chat, limits);
          const policy = served();
          requireModel(policy, request.model);
          await chatting.answer(c, policy, request, { signal, ...nameOf(c) }, resolve);
        });
        answering.catch(reject);
      }),
  );
  return app;
}

function nameOf(c: Context<Env>): { readonly name?: string } {
  const name = c.get('caller');
  return name === undefined ? {} : { name };
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

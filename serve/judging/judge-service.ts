/** Answers requests to /v1/judge: judged or found in the cache, counted, and recorded. */
import { randomInt } from 'node:crypto';
import { asJson } from '../../artifacts/codecs/json-value.ts';
import { ByteCache } from '../../core/byte-cache.ts';
import { digestOf } from '../../core/json.ts';
import { memoryOf, promptingOf } from '../../pipeline/recipe-access.ts';
import { nearest } from '../../recipes/checks/nearest.ts';
import type { AuditLog } from '../audit-log.ts';
import { HttpError } from '../http/http-error.ts';
import type { ServeMetrics } from '../http/metrics.ts';
import type { Limits } from '../limits.ts';
import type { ServedPolicy } from '../policies/served-policy.ts';
import { calibrationOf } from './calibrated.ts';
import { idsOf, judge, type JudgedRequestRow, type JudgeSurroundings, type RowResult, rowsOf } from './judge.ts';
import type { JudgeRequest } from './judge-request.ts';

export interface JudgeServiceOptions {
  readonly limits: Limits;
  readonly pictureHosts: readonly string[];
  readonly metrics: ServeMetrics;
  /** Undefined if the operator wants none. */
  readonly audit?: AuditLog;
}

export interface JudgeCaller {
  readonly signal: AbortSignal;
  /** Name of the caller's token, if tokens are required. */
  readonly name?: string;
}

const cacheByteLengthMax = 16 << 20;
const seedMax = 2 ** 31;

export class JudgeService {
  readonly #options: JudgeServiceOptions;
  /** As JSON: objects take several times the bytes that are counted. */
  readonly #cache = new ByteCache<string>(cacheByteLengthMax);

  constructor(options: JudgeServiceOptions) {
    this.#options = options;
  }

  /** The body of the response. Throws like `judge`, and if the record cannot be written. */
  async answer(served: ServedPolicy, request: JudgeRequest, caller: JudgeCaller): Promise<object> {
    const { metrics, audit } = this.#options;
    const startedAtMs = performance.now();
    const { task } = request;
    const { seed = randomInt(seedMax) } = request;
    requireTask(task, Object.keys(served.recipe.tasks));
    const calibration = calibrationOf(served, request);
    const surroundings = { seed, signal: caller.signal, labelTemperature: calibration?.temperature };
    const { rows, isCached } = await this.#judged(served, request, surroundings);
    for (const { result } of rows) metrics.judged(task, isCached ? 'cached' : outcomeOf(result));
    const latencyMs = performance.now() - startedAtMs;
    const head = {
      ...{ model: served.name, policy: { sha256: served.checkpoint.sha256 } },
      ...(served.version !== undefined && { version: served.version }),
      ...{ task, mode: request.mode ?? served.mode, ordering: request.ordering ?? null },
      ...(isDrawn(request) && { seed }),
      ...(calibration && { calibration }),
      cached: isCached,
    };
    const at = new Date().toISOString();
    const by = caller.name === undefined ? {} : { caller: caller.name };
    await audit?.judged(
      task,
      rows.map(({ result, ...row }) => {
        const said = isDrawn(request) ? withSamples(result) : result;
        return { ...said, ...row, ...head, ...by, at, latency: latencyMs / 1000 };
      }),
    );
    const results = rows.map(({ result }) => result);
    return 'rows' in request
      ? { object: 'list', ...head, latencyMs, data: results }
      : { object: 'judgment', ...head, latencyMs, ...results[0] };
  }

  async #judged(
    served: ServedPolicy,
    request: JudgeRequest,
    surroundings: Pick<JudgeSurroundings, 'seed' | 'signal' | 'labelTemperature'>,
  ) {
    const { limits, pictureHosts } = this.#options;
    const ids = idsOf(request);
    // What stands at an address may change, and a seed that nobody chose is to be another each time.
    const isKept = pictureHosts.length === 0 && (!isDrawn(request) || request.seed !== undefined);
    const key = isKept ? contentKey(served, request) : undefined;
    const known = key === undefined ? undefined : this.#cache.get(key);
    if (known !== undefined) {
      const kept = JSON.parse(known) as readonly JudgedRequestRow[];
      return { rows: kept.map((row, i) => ({ ...row, result: { ...row.result, id: ids[i] ?? '' } })), isCached: true };
    }
    const rows = await judge(served, request, ids, { limits, pictureHosts, ...surroundings });
    // A refusal may name the row.
    const isWhole = rows.every(({ result }) => !('error' in result));
    if (key !== undefined && isWhole) {
      const text = JSON.stringify(rows);
      this.#cache.set(key, text, text.length);
    }
    return { rows, isCached: false };
  }
}

function requireTask(task: string, tasks: readonly string[]): void {
  if (tasks.includes(task)) return;
  const known = nearest(task, tasks, 8).join(', ');
  throw new HttpError(404, `there is no task ${task.slice(0, 100)}; use one of ${known}`, {
    param: 'task',
    code: 'task_not_found',
  });
}

/** Digest of everything that determines the results but the ids of rows. */
function contentKey({ policy, recipe, mode }: ServedPolicy, request: JudgeRequest): string {
  const { task, mode: asked = mode, ordering = null, votes = 1, temperature = 1 } = request;
  const { constrained = false, calibrated = false, seed = null } = request;
  const rows = rowsOf(request).map(({ fields, images, candidates }) => ({ fields, images, candidates }));
  const { tokenCountMax, promptCountPerBatch } = recipe.evaluation;
  return digestOf(
    asJson({
      ...{ policy, prompting: promptingOf(recipe, [task]), tokenCountMax, promptCountPerBatch, mode: asked },
      ...{ stopSequences: recipe.stopSequences ?? null, ...memoryOf(recipe) },
      ...{ ordering, votes, temperature, constrained, calibrated, seed, rows },
    }),
  );
}

/** Whether the results depend on the seed. */
function isDrawn({ votes = 1, ordering }: JudgeRequest): boolean {
  return votes > 1 || ordering === 'random';
}

/** Answers that are not one for each order, that of the row first, under another name: `mtrl score` reads them so. */
function withSamples(result: RowResult): object {
  if ('error' in result) return result;
  const { answers: samples, ...rest } = result;
  return { ...rest, samples };
}

function outcomeOf(row: RowResult): 'verdict' | 'unparsable' | 'undecided' | 'refused' {
  if ('error' in row) return 'refused';
  if (row.verdict !== null) return 'verdict';
  return row.unparsable === undefined ? 'undecided' : 'unparsable';
}

/** Judges the rows of a request: the bits of `mtrl judge` on a file of these rows. */
import { randomUUID } from 'node:crypto';
import pMap from 'p-map';
import { required } from '../../core/assert.ts';
import { Rng } from '../../core/rng.ts';
import { judgedRow } from '../../judge/evaluation/judged-row.ts';
import { hasForcedChoice } from '../../judge/kinds/table.ts';
import { ordersOf } from '../../judge/tasks/reorder.ts';
import type { Asking } from '../../pipeline/asking/answers.ts';
import { answeredRows, judgedRows } from '../../pipeline/asking/judged-rows.ts';
import type { Shown } from '../../pipeline/asking/shown.ts';
import { tokenAsker } from '../../pipeline/asking/token-asker.ts';
import { taskOfRows } from '../../pipeline/data/read-rows.ts';
import { Waits } from '../../pipeline/heartbeat.ts';
import { memoryOf } from '../../pipeline/recipe-access.ts';
import { endedBy } from '../../pipeline/training/sampling.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import { asHttpError, bodyOf, type ErrorBody, HttpError } from '../http/http-error.ts';
import type { Limits } from '../limits.ts';
import type { ServedPolicy } from '../policies/served-policy.ts';
import { constrainedRow, type DecidedRow, decidedRow } from './decide.ts';
import { heldDataset, heldPrompts } from './held-rows.ts';
import type { JudgeRequest, JudgeRow, Ordering } from './judge-request.ts';
import { readRow, requireShowable } from './read-row.ts';

/** A row of a batch that cannot be judged. */
export interface RefusedRow extends ErrorBody {
  readonly id: string;
}

export type RowResult = DecidedRow | RefusedRow;

export interface JudgeSurroundings {
  readonly limits: Limits;
  readonly pictureHosts: readonly string[];
  readonly signal: AbortSignal;
  /** Of samples and of random orders. */
  readonly seed: number;
  /** Of the calibrated probabilities, if there are to be any. */
  readonly labelTemperature: number | undefined;
}

/** A row of a request with its result. */
export interface JudgedRequestRow {
  readonly result: RowResult;
  readonly fields: JudgeRow['fields'];
  /** sha256 of its pictures; none if it could not be read. */
  readonly images: readonly string[];
}

/** Rows that are decoded and encoded at a time. */
const readCountMax = 8;

/**
 * One result per row, in order; `ids` are those of the rows, and the task is one of the recipe's. In a batch, a row that
 * cannot be judged has its error in place of a result. Throws HttpError, MtrlError, UnusableRow, or the signal's reason.
 */
export async function judge(
  served: ServedPolicy,
  request: JudgeRequest,
  ids: readonly string[],
  { limits, pictureHosts, signal, seed, labelTemperature }: JudgeSurroundings,
): Promise<readonly JudgedRequestRow[]> {
  const { recipe } = served;
  const { task, mode = served.mode } = request;
  const source = taskOfRows(recipe, task);
  requireFitting(request, source.spec);
  const rules = { ...limits, hosts: pictureHosts };
  const isBatch = 'rows' in request;
  const given = rowsOf(request).map((row, i) => ({ row, id: required(ids[i], 'an id of every row') }));
  const read = await pMap(given, ({ row, id }) => orRefused(id, isBatch, () => readRow(source, row, id, rules)), {
    concurrency: readCountMax,
  });
  const images = new Map(read.flatMap((row) => ('images' in row ? [...row.images] : [])));
  const prompted = heldPrompts(served, task, images);
  const rows = await pMap(
    read,
    (row) =>
      'error' in row
        ? row
        : orRefused(row.example.id, isBatch, async () => {
            await requireShowable(served, source, row, prompted, mode);
            return row;
          }),
    { concurrency: readCountMax },
  );
  const showable = rows.flatMap((row) => ('example' in row ? [row] : []));
  const waits = new Waits();
  const asker = tokenAsker({
    held: { engine: served.engine(signal), waits },
    ...{ prompted, evaluation: { ...recipe.evaluation, seed }, ending: endedBy(recipe, prompted), spec: source.spec },
    ...memoryOf(recipe),
  });
  const asking: Asking = { asker, dataset: heldDataset(showable), waits, spec: source.spec, mode };
  const judged = await judgedBy(asking, request, seed, recipe.evaluation.tokenCountMax, labelTemperature);
  const results = judged.values();
  return rows.map((row, i) => {
    const { fields } = required(given[i], 'a row').row;
    if ('error' in row) return { result: row, fields, images: [] };
    return { result: required(results.next().value, 'a result for every row'), fields, images: row.example.images };
  });
}

async function judgedBy(
  asking: Asking,
  { task, ordering, votes = 1, temperature = 1, constrained = false }: JudgeRequest,
  seed: number,
  tokenCountMax: number,
  labelTemperature: number | undefined,
): Promise<DecidedRow[]> {
  const isUsual = ordering === undefined && votes === 1;
  if (isUsual && !constrained) return judgedRows(asking, task, tokenCountMax, labelTemperature);
  const { spec } = asking;
  const rows = await answeredRows(asking, task, {
    sampling: { temperature, greedy: votes === 1, tokenCountMax },
    sampleCount: votes,
    isAsked: askedOrders(ordering, spec, seed),
    afterUnparsable: constrained,
  });
  const decided = rows.map((row) =>
    isUsual
      ? judgedRow(row.id, row.answers, spec.labels, labelTemperature)
      : decidedRow(row, spec, votes, labelTemperature),
  );
  return constrained ? decided.map((row) => constrainedRow(row, spec)) : decided;
}

function askedOrders(ordering: Ordering | undefined, spec: TaskSpec, seed: number): (shown: Shown) => boolean {
  if (ordering === 'fixed') return ({ order }) => order === 0;
  if (ordering !== 'random') return () => true;
  return ({ example, exampleIndex, order }) =>
    order === new Rng('ordering', seed, exampleIndex).integer(0, ordersOf(example, spec).length);
}

export function rowsOf(request: JudgeRequest): readonly JudgeRow[] {
  return 'rows' in request ? request.rows : [request];
}

/** The rows' ids; a row without one gets a new one. Throws HttpError for an id that two rows of the batch have. */
export function idsOf(request: JudgeRequest): string[] {
  const ids = new Set<string>();
  for (const [i, { id = randomUUID() }] of rowsOf(request).entries()) {
    if (ids.has(id)) throw new HttpError(400, `two rows have the id ${id}`, { param: `rows.${i}.id` });
    ids.add(id);
  }
  return [...ids];
}

/** Throws HttpError for a setting that would have no effect. */
function requireFitting({ task, constrained, temperature, votes = 1 }: JudgeRequest, spec: TaskSpec): void {
  if (constrained === true && !hasForcedChoice(spec))
    throw new HttpError(400, `a verdict of ${task} is no label whose probability could be asked for`, {
      param: 'constrained',
    });
  if (temperature !== undefined && votes === 1)
    throw new HttpError(400, 'a single answer is greedy: temperature is for two votes or more', {
      param: 'temperature',
    });
}

/** What `body` returns; of a batch, a row's own error as its result. */
async function orRefused<T>(id: string, isBatch: boolean, body: () => Promise<T>): Promise<T | RefusedRow> {
  try {
    return await body();
  } catch (error) {
    const refused = asHttpError(error);
    if (!isBatch || refused.status >= 500) throw error;
    return { id, ...bodyOf(refused) };
  }
}

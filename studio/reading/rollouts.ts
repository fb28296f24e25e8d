/** Rollouts of a run by filter: a page of them, and how many there are at each step. */
import { required } from '../../core/assert.ts';
import { openDataset } from '../../pipeline/data/dataset-artifact.ts';
import type { RlUpdate } from '../../pipeline/policies/step-record.ts';
import type { RolloutRow } from '../../pipeline/reporting/rollout-rows.ts';
import { type Columns, type RolloutPart, rolloutParts } from '../../pipeline/reporting/rollout-table.ts';
import type { Matches, RolloutPage } from '../api.ts';
import type { Library } from '../library.ts';
import { openExperiment, runOf, updatesOfRun } from './open-experiment.ts';
import { textPattern } from './text-pattern.ts';

export interface RolloutFilter {
  readonly run: string;
  readonly step?: number;
  readonly task?: string;
  readonly verdict?: string;
  /** Why an answer could not be read; `any` for every reason. */
  readonly reason?: string;
  readonly right?: boolean;
  readonly rewardMin?: number;
  readonly rewardMax?: number;
  /** A regular expression that the text matches, ignoring case. */
  readonly text?: string;
}

const pageRowCount = 48;
const filtered = ['step', 'task', 'verdict', 'reason', 'reward', 'accuracy'] as const;
const shown = [
  ...['step', 'prompt', 'rollout', 'task', 'exampleIndex', 'exampleId', 'label', 'verdict', 'reason'],
  ...['reward', 'accuracy', 'tokenCount', 'finishReason', 'text'],
] as readonly (keyof RolloutRow)[];

/** Rows in order of steps. @param after `part.row`, as the page before says */
export async function rolloutPage(
  library: Library,
  experimentId: string,
  filter: RolloutFilter,
  after = '0.0',
): Promise<RolloutPage> {
  const { parts, updates } = await partsOf(library, experimentId, filter);
  const [firstPart = 0, firstRow = 0] = after.split('.').map(Number);
  const rows: RolloutRow[] = [];
  let next: string | undefined;
  for (let at = firstPart; at < parts.length && next === undefined; at++) {
    const part = required(parts[at], 'a part');
    const matching = (await matchesIn(part, filter)).filter((row) => at > firstPart || row >= firstRow);
    const taken = matching.slice(0, pageRowCount - rows.length);
    rows.push(...(await rowsAt(part, taken)));
    const left = matching[taken.length];
    if (left !== undefined) next = `${String(at)}.${String(left)}`;
  }
  const steps = updates.map(({ step }) => step);
  return { rows: await withImages(library, updates, rows), steps, ...(next !== undefined && { next }) };
}

export async function rolloutMatches(library: Library, experimentId: string, filter: RolloutFilter): Promise<Matches> {
  const { step: _, ...anyStep } = filter;
  const { parts } = await partsOf(library, experimentId, anyStep);
  const [all, left] = [new Map<number, number>(), new Map<number, number>()];
  const [verdicts, reasons] = [new Set<string>(), new Set<string>()];
  for (const part of parts) {
    const { step, verdict, reason } = await part.columns(['step', 'verdict', 'reason']);
    step.forEach((each, row) => {
      all.set(each, (all.get(each) ?? 0) + 1);
      const [said, why] = [verdict[row], reason[row]];
      if (typeof said === 'string') verdicts.add(said);
      if (typeof why === 'string') reasons.add(why);
    });
    for (const row of await matchesIn(part, anyStep)) {
      const each = required(step[row], 'a step');
      left.set(each, (left.get(each) ?? 0) + 1);
    }
  }
  const steps = [...all].map(([each, rolloutCount]) => {
    return { step: each, rolloutCount, matchCount: left.get(each) ?? 0 };
  });
  const sum = (counts: ReadonlyMap<number, number>) => [...counts.values()].reduce((a, b) => a + b, 0);
  return {
    ...{ matchCount: sum(left), rolloutCount: sum(all), steps },
    ...{ verdicts: [...verdicts].sort(), reasons: [...reasons].sort() },
  };
}

async function partsOf(library: Library, experimentId: string, { run, step }: RolloutFilter) {
  const experiment = await openExperiment(library, experimentId);
  const updates = await updatesOfRun(library, runOf(experiment, run));
  const parts = rolloutParts(
    library.cache,
    // A single step is read from the log, without the table of all.
    step === undefined ? updates : updates.filter((update) => update.step === step),
  );
  return { updates, parts };
}

/** Rows of the part that the filter leaves, ascending. */
async function matchesIn(part: RolloutPart, filter: RolloutFilter): Promise<number[]> {
  const columns = await part.columns(filtered);
  const rows = columns.step.flatMap((_, row) => (isMatch(columns, row, filter) ? [row] : []));
  if (filter.text === undefined || rows.length === 0) return rows;
  const { text } = await part.columns(['text']);
  const matches = textPattern(filter.text)(rows.map((row) => text[row] ?? ''));
  return rows.filter((_, i) => matches[i]);
}

function isMatch(columns: Columns<(typeof filtered)[number]>, row: number, filter: RolloutFilter): boolean {
  const { step, task, verdict, reason, right, rewardMin = -Infinity, rewardMax = Infinity } = filter;
  const reward = columns.reward[row] ?? NaN;
  return (
    (step === undefined || columns.step[row] === step) &&
    (task === undefined || columns.task[row] === task) &&
    (verdict === undefined || columns.verdict[row] === verdict) &&
    (reason === undefined || (reason === 'any' ? columns.reason[row] !== null : columns.reason[row] === reason)) &&
    (right === undefined || (columns.accuracy[row] === 1) === right) &&
    reward >= rewardMin &&
    reward <= rewardMax
  );
}

async function rowsAt(part: RolloutPart, rows: readonly number[]): Promise<RolloutRow[]> {
  if (rows.length === 0) return [];
  const columns = await part.columns(shown);
  return rows.map(
    (row) => Object.fromEntries(shown.map((name) => [name, columns[name][row]])) as unknown as RolloutRow,
  );
}

async function withImages(library: Library, updates: readonly RlUpdate[], rows: readonly RolloutRow[]) {
  const [update] = updates;
  if (update === undefined || rows.length === 0) return [];
  const dataset = await openDataset(library.cache, update.dataset);
  const examples = await dataset.examplesAt(rows.map(({ exampleIndex }) => exampleIndex));
  return rows.map((row, i) => ({ ...row, images: examples[i]?.images ?? [] }));
}

/** All rollouts of an example in a run, at most so many. */
export async function rolloutsOfExample(
  library: Library,
  updates: readonly RlUpdate[],
  exampleIndex: number,
  countMax: number,
): Promise<RolloutRow[]> {
  const rows: RolloutRow[] = [];
  for (const part of rolloutParts(library.cache, updates)) {
    const { exampleIndex: all } = await part.columns(['exampleIndex']);
    const own = all.flatMap((each, row) => (each === exampleIndex ? [row] : []));
    rows.push(...(await rowsAt(part, own.slice(0, countMax - rows.length))));
    if (rows.length >= countMax) break;
  }
  return rows;
}

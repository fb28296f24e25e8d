/** What a bundle holds of an experiment: the addresses that its pages ask for, of a limited number of rows. */
import { batchesOf } from '../../artifacts/store/bounded.ts';
import type { Curves, ExperimentView, JudgmentPage, RolloutPage } from '../api.ts';
import { pathOf, type Values } from '../query.ts';

/** Steps of a run, evenly spread from the first to the last. */
const stepCountMax = 12;
/** Prompts of a step whose groups are kept. */
const promptCountMax = 12;
const historyCountMax = 400;

export type Ask = <T>(path: string) => Promise<T>;

/** Addresses with what is answered there. */
export async function* bundledAnswers(ask: Ask, experimentId: string): AsyncGenerator<readonly [string, unknown]> {
  const path = (what = '', values: Values = {}) => pathOf(experimentId, what, values);
  const view = await ask<ExperimentView>(path());
  yield ['/api/experiments', [{ experimentId, state: view.state }]];
  yield [path(), view];
  const curves = await ask<Curves>(path('curves'));
  yield [path('curves'), curves];
  const examples = new Set<number>();
  for (const { runName: run } of view.runs) {
    yield* ofRun(ask, path, run, curves, examples);
    yield [path('lineage', { run }), await ask(path('lineage', { run }))];
  }
  yield* ofEvaluations(ask, path, view, examples);
  for (const what of ['quarantine', 'leaks']) yield [path(what), withoutNext(await ask<object>(path(what)))];
  for await (const some of batchesOf([...examples].slice(0, historyCountMax)))
    for (const example of some) yield [path('history', { example }), await ask(path('history', { example }))];
}

type PathOf = (what?: string, values?: Values) => string;

async function* ofRun(ask: Ask, path: PathOf, run: string, curves: Curves, examples: Set<number>) {
  const points = curves.runs.find((each) => each.runName === run)?.points ?? [];
  if (points.every(({ reward }) => reward === undefined)) return;
  const first = await ask<RolloutPage>(path('rollouts', { run }));
  const steps = spread(first.steps, stepCountMax);
  const kept = (page: RolloutPage): RolloutPage => ({
    rows: page.rows.filter((row) => steps.includes(row.step) && row.prompt < promptCountMax),
    steps,
  });
  yield [path('rollouts', { run }), kept(first)] as const;
  for (const step of steps) {
    const page = kept(await ask<RolloutPage>(path('rollouts', { run, step })));
    yield [path('rollouts', { run, step }), page] as const;
    for (const prompt of new Set(page.rows.map((row) => row.prompt))) {
      const group = path('group', { run, step, prompt });
      yield [group, await ask(group)] as const;
    }
    for (const { exampleIndex } of page.rows) examples.add(exampleIndex);
  }
}

async function* ofEvaluations(ask: Ask, path: PathOf, { runs }: ExperimentView, examples: Set<number>) {
  for (const { runName: run, scores } of runs) {
    for (const { task, confusion, variants = [] } of scores) {
      const labels = confusion?.labels ?? [];
      const cells = labels.flatMap((label) => [...labels, 'unparsable'].map((verdict) => ({ label, verdict })));
      const probes = variants.flatMap(({ name, scores: found }) => (found === undefined ? [] : [{ variant: name }]));
      for (const filter of [{}, ...cells, ...probes]) {
        const address = path('judgments', { run, task, ...filter });
        const page = await ask<JudgmentPage>(address);
        for (const { exampleIndex } of page.rows) examples.add(exampleIndex);
        yield [address, withoutNext(page)] as const;
      }
      const [other] = runs;
      if (other === undefined || other.runName === run) continue;
      const compared = path('comparison', { task, a: other.runName, b: run });
      yield [compared, withoutNext(await ask<object>(compared))] as const;
    }
  }
}

/** A page that says it is the last: the others are not in the bundle. */
function withoutNext(page: object): object {
  return Object.fromEntries(Object.entries(page).filter(([name]) => name !== 'next'));
}

function spread(items: readonly number[], count: number): number[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))] ?? 0);
}

/** Judges unlabelled rows: greedy answers parsed strictly, label probabilities, pairs in both orders. */
import { required } from '../../core/assert.ts';
import { type JudgedRow, judgedRow, type RowAnswer } from '../../judge/evaluation/judged-row.ts';
import { hasForcedChoice } from '../../judge/kinds/table.ts';
import { ordersOf } from '../../judge/tasks/reorder.ts';
import { answers, type Asking } from './answers.ts';
import type { ComputeContext } from '../compute-context.ts';
import type { JudgeRowsInput, JudgeRowsResult } from '../../contract/judged-rows.ts';
import { durable } from '../durable.ts';
import { shownOf } from './shown.ts';
import { keptAnswers } from './kept-answers.ts';
import { memoryOf, promptingOf, recipeOf, taskOf } from '../recipe-access.ts';
import { endedBy } from '../training/sampling.ts';
import { tokenAsker } from './token-asker.ts';
import type { Caller } from '../heartbeat.ts';

/** The artifact that `judgeRows` stores. */
export interface JudgedRows {
  readonly schema: 1;
  readonly task: string;
  /** One per row that could be shown, in dataset order. */
  readonly rows: readonly JudgedRow[];
}

/** The split of unlabelled rows (judge/datasets/rows/rows-to-judge.ts). */
const splitOfRows = 'test';

export function createJudgeRows(context: ComputeContext) {
  const { cache, states, processors, prompter } = context;
  return async (input: JudgeRowsInput, caller: Caller): Promise<JudgeRowsResult> => {
    const { dataset, policy, task, mode } = input;
    const recipe = await recipeOf(cache, input.recipe);
    const prompting = promptingOf(recipe, [task]);
    const { tokenCountMax, promptCountPerBatch } = recipe.evaluation;
    const key = {
      inputs: { snapshot: policy.snapshot, log: policy.log, dataset },
      config: {
        ...{ ...prompting, task, mode, tokenCountMax, promptCountPerBatch, stopSequences: recipe.stopSequences },
        // A memory limit splits batches, which changes the last bits of probabilities.
        ...memoryOf(recipe),
      },
    };
    const { outputs, summary, ...made } = await durable(context.deps, 'judgeRows', key, () =>
      states.withPolicy(caller, { policy }, async (held) => {
        const { waits } = held;
        const loaded = await waits.for(processors.of(policy.snapshot));
        const prompted = await waits.for(prompter.open(loaded, dataset, prompting));
        const spec = taskOf(recipe, task);
        const asker = tokenAsker({
          held: { engine: keptAnswers(context.deps, policy, held.engine), waits },
          ...{ prompted, evaluation: recipe.evaluation, ending: endedBy(recipe, prompted), spec },
          ...memoryOf(recipe),
        });
        const asking: Asking = { asker, dataset: prompted.dataset, waits, spec, mode };
        const startedAtMs = performance.now();
        const rows = await judge(asking, task, tokenCountMax);
        const computeMs = performance.now() - startedAtMs;
        const artifact: JudgedRows = { schema: 1, task, rows };
        return { outputs: { rows: await waits.for(cache.put(artifact)) }, summary: countsOf(rows), computeMs };
      }),
    );
    return { ...made, ...summary, rows: outputs.rows };
  };
}

async function judge(asking: Asking, task: string, tokenCountMax: number): Promise<JudgedRow[]> {
  const { asker, dataset, waits, spec, mode } = asking;
  const shown = await waits.for(shownOf(dataset, spec, { task, split: splitOfRows }));
  const questions = await asker.ofExamples(
    shown.map(({ example }) => example),
    mode,
  );
  const found = (await answers(asking, shown, questions, { temperature: 1, greedy: true, tokenCountMax }, 1)).flat();
  const judgments = found.map(({ judgment }) => judgment);
  const probabilities = (hasForcedChoice(spec) && (await questions.labelProbabilities?.(judgments))) || [];
  const byRow = new Map<number, { id: string; answers: RowAnswer[] }>();
  shown.forEach(({ example, exampleIndex, order }, i) => {
    const { text, judgment } = required(found[i], 'an answer to every prompt');
    const row = byRow.get(exampleIndex) ?? { id: example.id, answers: [] };
    byRow.set(exampleIndex, row);
    row.answers.push({
      ...{ text, judgment, probabilities: probabilities[i] },
      order: required(ordersOf(example, spec)[order], 'the order shown'),
    });
  });
  return [...byRow.values()].map(({ id, answers: said }) => judgedRow(id, said, spec.labels));
}

function countsOf(rows: readonly JudgedRow[]) {
  const agreements = rows.flatMap(({ agreement }) => agreement ?? []);
  return {
    rowCount: rows.length,
    unparsableCount: rows.filter(({ verdict }) => verdict === null).length,
    ...(agreements.length > 0 && { agreementRate: agreements.filter(Boolean).length / agreements.length }),
  };
}

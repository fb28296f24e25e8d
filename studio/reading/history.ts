/** One example across steps and runs: what each policy said about it in training, and at the end. */
import { required } from '../../core/assert.ts';
import { MtrlError } from '../../core/errors.ts';
import { judgmentsFormat } from '../../pipeline/asking/judgments-artifact.ts';
import { openDataset } from '../../pipeline/data/dataset-artifact.ts';
import { orderIndexOf } from '../../pipeline/data/shown-example.ts';
import { armOf, taskOf } from '../../pipeline/recipe-access.ts';
import type { History } from '../api.ts';
import type { Library } from '../library.ts';
import { exampleView } from './example-view.ts';
import { isRightOf } from './judgments.ts';
import { datasetRefOf, type OpenExperiment, openExperiment, updatesOfRun } from './open-experiment.ts';
import { rolloutsOfExample } from './rollouts.ts';

const rolloutCountMax = 2_000;

/** @param exampleIndex row of the dataset. Throws NOT_FOUND. */
export async function historyOf(library: Library, experimentId: string, exampleIndex: number): Promise<History> {
  const experiment = await openExperiment(library, experimentId);
  const dataset = await openDataset(library.cache, await datasetRefOf(library, experiment));
  const { rowCount } = dataset.artifact.examples;
  if (exampleIndex >= rowCount) {
    throw new MtrlError('NOT_FOUND', 'the dataset has no such row', {
      where: `example ${String(exampleIndex)}`,
      found: `rows 0 to ${String(rowCount - 1)}`,
    });
  }
  const [stored] = await dataset.examplesAt([exampleIndex]);
  const example = required(stored, 'an example');
  const { recipe, runs } = experiment;
  const rollouts: History['rollouts'][number][] = [];
  for (const run of runs) {
    const found = await rolloutsOfExample(
      library,
      await updatesOfRun(library, run),
      exampleIndex,
      rolloutCountMax - rollouts.length,
    );
    rollouts.push(...found.map((row) => ({ runName: run.runName, ...row })));
    if (rollouts.length >= rolloutCountMax) break;
  }
  const [run] = runs;
  const mode = run === undefined ? 'think' : armOf(recipe, run.arm).mode;
  return {
    example: exampleView(example, exampleIndex, {}, recipe, mode),
    rollouts,
    answers: await answersTo(library, experiment, example.task, exampleIndex),
    ...(rollouts.length >= rolloutCountMax && { isCut: true }),
  };
}

async function answersTo(library: Library, { recipe, runs }: OpenExperiment, task: string, exampleIndex: number) {
  const spec = taskOf(recipe, task);
  const answers: History['answers'][number][] = [];
  for (const { runName, evaluations } of runs) {
    const evaluation = evaluations.find(({ scores }) => scores.task === task);
    if (evaluation === undefined) continue;
    const { judgments } = await library.cache.getDocument(evaluation.judgments, judgmentsFormat);
    for (const one of judgments) {
      if (one.exampleIndex !== exampleIndex) continue;
      const { label, text, judgment } = one;
      answers.push({
        runName,
        order: orderIndexOf(one),
        label,
        text,
        judgment,
        isRight: isRightOf(judgment, label, spec),
      });
    }
  }
  return answers;
}

/** How often people and each judge agree, from examples that were chosen at random alone. */
import type { AgreementView } from '../api.ts';
import type { Library } from '../library.ts';
import { isRight } from '../../judge/kinds/table.ts';
import { taskOf } from '../../pipeline/recipe-access.ts';
import { judgedRows } from '../reading/judgments.ts';
import { openExperiment } from '../reading/open-experiment.ts';
import { labelsOf } from './label-store.ts';
import { blindLabel } from './person-label.ts';

export async function agreementOf(library: Library, experimentId: string, task: string): Promise<AgreementView> {
  const experiment = await openExperiment(library, experimentId);
  const spec = taskOf(experiment.recipe, task);
  const labels = await labelsOf(library.store, experimentId, task);
  const random = labels.filter(({ order }) => order === 'random');
  const runs: AgreementView['runs'][number][] = [];
  for (const { runName, evaluations } of experiment.runs) {
    if (random.length === 0 || !evaluations.some(({ scores }) => scores.task === task)) continue;
    const rows = await judgedRows(library, experiment, { run: runName, task });
    const judgments = new Map(rows.flatMap((row) => (row.order === 0 ? [[row.exampleIndex, row.judgment]] : [])));
    const compared = random.flatMap((given) => {
      const judgment = judgments.get(given.exampleIndex);
      const { label } = blindLabel(given) ?? given;
      return judgment === undefined ? [] : [judgment.ok && isRight(spec, judgment.verdict, label)];
    });
    runs.push({ runName, count: compared.length, agreedCount: compared.filter(Boolean).length });
  }
  return {
    labelCount: labels.length,
    randomCount: random.length,
    people: new Set(labels.map(({ by }) => by)).size,
    runs,
  };
}

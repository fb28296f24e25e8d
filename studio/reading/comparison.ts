/** Two judges row by row: the runs of one experiment, on the same examples. Disagreements come first. */
import type { Comparison, ComparedAnswer, ComparedRow } from '../api.ts';
import type { Library } from '../library.ts';
import { judgedRows, type JudgedRowOfExample } from './judgments.ts';
import { openExperiment } from './open-experiment.ts';
import { pageOf } from './page-of.ts';

export interface Compared {
  readonly task: string;
  /** Names of runs. */
  readonly a: string;
  readonly b: string;
}

export async function comparison(
  library: Library,
  experimentId: string,
  { task, a, b }: Compared,
  after?: string,
): Promise<Comparison> {
  const experiment = await openExperiment(library, experimentId);
  const [ofA, ofB] = await Promise.all([a, b].map((run) => judgedRows(library, experiment, { run, task })));
  const answersOfB = new Map((ofB ?? []).map((row) => [row.exampleId, row]));
  const rows = (ofA ?? []).flatMap((row): ComparedRow[] => {
    const other = answersOfB.get(row.exampleId);
    if (other === undefined) return [];
    const { exampleIndex, exampleId, order, label, images } = row;
    return [{ exampleIndex, exampleId, order, label, images, a: answerOf(row), b: answerOf(other) }];
  });
  const count = (isRightA: boolean, isRightB: boolean): number =>
    rows.filter((row) => row.a.isRight === isRightA && row.b.isRight === isRightB).length;
  const disagreements = rows.filter((row) => row.a.verdict !== row.b.verdict);
  const agreements = rows.filter((row) => row.a.verdict === row.b.verdict);
  return {
    counts: {
      ...{ both: count(true, true), onlyA: count(true, false) },
      ...{ onlyB: count(false, true), neither: count(false, false) },
    },
    disagreementCount: disagreements.length,
    ...pageOf([...disagreements, ...agreements], after),
  };
}

function answerOf({ judgment, text, isRight }: JudgedRowOfExample): ComparedAnswer {
  return { verdict: judgment.ok ? judgment.verdict : null, text, isRight };
}

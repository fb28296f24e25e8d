/** Agreement with people, where rows have several votes: of people among themselves, and of the judge with them. */
import type { AgreementScores } from '../evaluation/people/human-ceiling.ts';
import type { ReportData } from './data.ts';
import { count, points } from './format.ts';
import { type Html, html } from './html.ts';
import { plainTable } from './plain-table.ts';

export function peopleTables({ runs }: ReportData): Html | undefined {
  const all = runs.flatMap(({ runName, scores }) => scores.map((of) => ({ runName, ...of })));
  const ceilings = all.flatMap(({ runName, task, humanCeiling: found }) => {
    if (found === undefined) return [];
    const [person, judge] = [agreementCells(found.person), agreementCells(found.judge)];
    return [[runName, task, count(found.exampleCount), ...person.flatMap((cell, i) => [cell, judge[i] ?? '–'])]];
  });
  const alphas = all.flatMap(({ runName, task, peopleAlpha: found, krippendorffAlpha }) => {
    if (found === undefined) return [];
    const cells = [found.people, found.withJudge, krippendorffAlpha].map(two);
    return [[runName, task, found.level, found.votesPerExample.toFixed(1), ...cells]];
  });
  if (alphas.length === 0) return undefined;
  const both = ['Macro-F1', 'accuracy', 'kappa', 'r'].flatMap((name) => [`${name}: one person`, 'judge']);
  return html`<h3>
      One person and the judge
      <small
        >each against the label that the votes of the other people make; no judge can be expected to do better than one
        of them</small
      >
    </h3>
    ${plainTable(['run', 'task', 'examples', ...both], ceilings)}
    <h3>
      Krippendorff's alpha
      <small>of all votes; with the judge's verdicts as those of one more person; and of judge and label</small>
    </h3>
    ${plainTable(['run', 'task', 'level', 'votes an example', 'people', 'with the judge', 'judge and label'], alphas)}`;
}

function agreementCells({ macroF1, accuracy, cohenKappa, pearson }: AgreementScores): string[] {
  return [points(macroF1), points(accuracy), two(cohenKappa), two(pearson)];
}

export const two = (value: number | undefined): string => value?.toFixed(2) ?? '–';

/** Agreement with people, where rows have several votes: of people among themselves, and of the judge with them. */
import type { AgreementScores } from '../../evaluation/people/human-ceiling.ts';
import type { ReportData } from '../data.ts';
import { count, interval, points } from '../format.ts';
import { type Html, html } from '../html.ts';
import { plainTable, runTable } from './plain-table.ts';

export function peopleTables({ runs }: ReportData): Html | undefined {
  const all = runs.flatMap(({ runName, scores }) => scores.map((of) => ({ runName, ...of })));
  const ceilings = all.flatMap(({ runName, task, humanCeiling: found }) => {
    if (found === undefined) return [];
    const [person, judge] = [agreementCells(found.person), agreementCells(found.judge)];
    const { accuracy, ci95 } = found.difference;
    const both = person.flatMap((cell, i) => [cell, judge[i] ?? '–']);
    return [[runName, task, count(found.exampleCount), ...both, `${points(accuracy)} (${interval(ci95)})`]];
  });
  const alphas = all.flatMap(({ runName, task, peopleAlpha: found, krippendorffAlpha }) => {
    if (found === undefined) return [];
    const cells = [found.people, found.withJudge, krippendorffAlpha].map(two);
    return [[runName, task, found.level, found.votesPerExample.toFixed(1), ...cells]];
  });
  if (alphas.length === 0) return undefined;
  const both = ['Macro-F1', 'accuracy', 'kappa', 'r'].flatMap((name) => [`${name}: one person`, 'judge']);
  const heads = ['run', 'task', 'examples', ...both, 'judge − person, accuracy'];
  return html`${
      ceilings.length === 0
        ? undefined
        : html`<h3>
              One person and the judge
              <small>each against the label that the votes of the other people make</small>
            </h3>
            ${plainTable(heads, ceilings)}`
    }
    <h3>
      Krippendorff's alpha
      <small>of all votes; with the judge's verdicts as those of one more person; and of judge and label</small>
    </h3>
    ${runTable(['run', 'task', 'level', 'votes an example', 'people', 'with the judge', 'judge and label'], alphas)}`;
}

function agreementCells({ macroF1, accuracy, cohenKappa, pearson }: AgreementScores): string[] {
  return [points(macroF1), points(accuracy), two(cohenKappa), two(pearson)];
}

export const two = (value: number | undefined): string => value?.toFixed(2) ?? '–';

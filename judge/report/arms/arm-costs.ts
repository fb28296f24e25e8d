/** What each arm cost: time of its runs from start to end, compute time, and the tokens that it was trained on. */
import type { ReportArm, ReportData } from '../data.ts';
import { count, duration } from '../format.ts';
import type { Html } from '../html.ts';
import { plainTable } from '../tables/plain-table.ts';

export function armCostTable({ arms, runs }: Pick<ReportData, 'arms' | 'runs'>): Html {
  const rowOf = ({ arm, runNames }: ReportArm): string[] => {
    const own = runs.filter(({ runName }) => runNames.includes(runName));
    const sum = (valueOf: (run: (typeof own)[number]) => number): number =>
      own.reduce((total, run) => total + valueOf(run), 0);
    const tokenCount = sum(({ curve }) => curve.reduce((total, point) => total + (point.tokenCount ?? 0), 0));
    return [
      ...[arm, count(own.length), count(sum(({ stepCount }) => stepCount))],
      ...[duration(sum(({ wallMs }) => wallMs)), duration(sum(({ computeMs }) => computeMs)), count(tokenCount)],
    ];
  };
  return plainTable(['arm', 'runs', 'steps', 'wall time', 'compute', 'tokens trained on'], arms.map(rowOf));
}

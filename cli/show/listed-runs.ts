/** Chooses the runs to show if not all fit: failed and active ones first; the rest is counted by state. */
import type { RunProgress } from '../../contract/progress.ts';

export interface ListedRuns {
  /** In the experiment's order. */
  readonly shown: readonly RunProgress[];
  /** `60 more runs: 40 done, 20 waiting`; undefined if all are shown. */
  readonly rest: string | undefined;
}

export function listedRuns(runs: readonly RunProgress[], countMax: number): ListedRuns {
  if (runs.length <= countMax) return { shown: runs, rest: undefined };
  const chosen = new Set([...runs].sort((a, b) => rankOf(a) - rankOf(b)).slice(0, Math.max(0, countMax)));
  const counts = new Map<string, number>();
  for (const run of runs) if (!chosen.has(run)) counts.set(run.state, (counts.get(run.state) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${String(count)} ${state}`);
  return {
    shown: runs.filter((run) => chosen.has(run)),
    rest: `${String(runs.length - chosen.size)} more runs: ${states.join(', ')}`,
  };
}

function rankOf({ state, step }: RunProgress): number {
  if (state === 'failed') return 0;
  if (['done', 'cancelled'].includes(state)) return 3;
  return step > 0 ? 1 : 2;
}

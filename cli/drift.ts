/** `mtrl score --against NAME`: a promoted judge, held against a freshly labelled sample. */
import { MtrlError } from '../core/errors.ts';
import { type DriftCheck, driftChecks, driftSentences } from '../judge/promotion/drift.ts';
import type { JudgeScores } from '../judge/scoring/score-judges.ts';
import { askedOfTask } from '../pipeline/promotion/asked-of-task.ts';
import { versionText } from '../pipeline/promotion/version-text.ts';
import { JsonCache } from '../pipeline/json-cache.ts';
import type { TaskSpec } from '../recipes/recipe.ts';
import { promotedAs } from './temporal/promotions.ts';
import { withStack } from './temporal/stack.ts';

export interface Drift {
  /** `NAME@VERSION`. */
  readonly against: string;
  readonly judge: string;
  readonly checks: readonly DriftCheck[];
}

/** Throws NOT_FOUND, USAGE, EVALUATION_MISSING. */
export async function driftOf(
  against: string,
  task: string,
  spec: TaskSpec,
  judges: readonly JudgeScores[],
): Promise<Drift> {
  return withStack({ startMissing: false }, async ({ store }) => {
    const promoted = await promotedAs(store, against);
    if (promoted === undefined)
      throw new MtrlError('NOT_FOUND', 'no judge is promoted to this name', { where: `--against ${against}` });
    const version = versionText(promoted);
    const judge = judgeOf([against, version, promoted.name], judges);
    const asked = await askedOfTask(new JsonCache(store), promoted, task, spec);
    return { against: version, judge: judge.judge, checks: driftChecks(task, asked, judge) };
  });
}

/** The only judge of the file, or the one that is called as the promoted one. */
function judgeOf(names: readonly string[], judges: readonly JudgeScores[]): JudgeScores {
  const found = judges.length === 1 ? judges[0] : judges.find(({ judge }) => names.includes(judge));
  if (found !== undefined) return found;
  throw new MtrlError('USAGE', 'none of the judges is the promoted one', {
    where: '--against',
    found: judges.map(({ judge }) => judge).join(', '),
    hint: `call its verdicts ${names[1] ?? ''}, or give its verdicts alone`,
  });
}

export function driftLines({ against, judge, checks }: Drift): string[] {
  return [`${judge}, against the gate of ${against}:`, ...driftSentences(checks).map((line) => `  ${line}`)];
}

/** Throws AGREEMENT_FALLEN if a rule of the gate is no longer met. */
export function requireAgreement({ against, checks }: Drift): void {
  const fallen = checks.filter(({ state }) => state === 'fallen');
  if (fallen.length === 0) return;
  throw new MtrlError('AGREEMENT_FALLEN', `${against} no longer agrees with people as its gate asked`, {
    where: against,
    found: driftSentences(fallen).join('; '),
    hint: 'retrain on data that includes the sample (mtrl retrain), or roll back (mtrl rollback)',
  });
}

import type { Command } from 'commander';
import type { FindCandidateInput, GateCheck } from '../../../contract/retraining.ts';
import { MtrlError } from '../../../core/errors.ts';
import type { GatedPromotion } from '../../../contract/promotion.ts';
import { runJob } from '../../temporal/job.ts';
import { commandText, type Paint, paintFor, print, printJson, say } from '../../show/output.ts';
import { shownVersion } from '../../temporal/promotions.ts';
import { withStack } from '../../temporal/stack.ts';
import { wholeNumber } from '../../whole-number.ts';

interface PromoteOptions {
  readonly arm?: string;
  readonly seed?: number;
  readonly name?: string;
  readonly forceReason?: string;
  readonly json?: boolean;
}

export function addPromote(command: Command): void {
  command
    .argument('<experiment>')
    .option('--name <name>', "name to promote to (default: the recipe's promotion.name)")
    .option('--arm <arm>', "arm to promote (default: the recipe's promotion.arm)")
    .option('--seed <seed>', "seed to promote (default: the recipe's first)", wholeNumber)
    .option('--force-reason <text>', 'promote even if the gate fails; the reason is kept in the history')
    .option('--json', 'one JSON document on stdout')
    .action(promote);
}

/** Throws PROMOTION_HELD_BACK if the candidate was not promoted. */
async function promote(experimentId: string, { json = false, ...wanted }: PromoteOptions): Promise<void> {
  const input: FindCandidateInput = { experimentId, ...wanted };
  await withStack({ startMissing: true }, async (stack) => {
    const { workflowId, result } = await runJob(stack, { type: 'promote', name: experimentId, input });
    if (json) printJson(documentOf(workflowId, result));
    else print(`${checkLines(result.gate.checks, paintFor(process.stdout)).join('\n')}\n\n${result.why}`);
    const { status, name, why, notifications } = result;
    notifications.failures.forEach(sayUntold);
    if (status === 'promoted') return;
    throw new MtrlError('PROMOTION_HELD_BACK', `${name} is unchanged: the candidate was held back`, {
      where: workflowId,
      found: why,
      hint: `train further, or override the gate: \`${commandText('promote', experimentId, '--force-reason', '...')}\``,
    });
  });
}

/** Reports a notification that could not be delivered. */
export function sayUntold(failure: string): void {
  say(`notification failed: ${failure}`);
}

function documentOf(workflowId: string, result: GatedPromotion) {
  const { status, name, experimentId, runName, why, gate, decision, promoted, notifications } = result;
  return {
    ...{ workflowId, status, name, experimentId, runName, why },
    gate: { passed: gate.passed, checks: gate.checks, uri: gate.gate.uri },
    decision: decision ?? null,
    promoted: promoted === undefined ? null : shownVersion(promoted),
    notifications,
  };
}

export function checkLines(checks: readonly GateCheck[], paint: Paint): string[] {
  const head = paint('dim', '           found    limit  rule');
  return [
    head,
    ...checks.map(({ passed, value, limit, rule }) => {
      const mark = passed ? paint('green', 'passed') : paint('red', 'FAILED');
      return `${mark}  ${number(value)}  ${number(limit)}  ${rule}`;
    }),
  ];
}

const number = (value: number): string => value.toFixed(4).padStart(7);

/** Memory and time to train a checkpoint on this machine, from policy/engines/embedded/memory/print-plan.ts. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ArmPlan, ModelPlan, PlanRequest } from '../../contract/model-plan.ts';
import { type ErrorCode, type ErrorDetails, MtrlError } from '../../core/errors.ts';
import { programAt } from '../../core/program.ts';
import { projectRoot } from '../../core/project.ts';

type Failure = {
  readonly failure: { readonly code: ErrorCode; readonly message: string; readonly details: ErrorDetails };
};

/** Throws CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED, FILE_MISSING or RECIPE_INVALID if training is not possible. */
export async function planModel(request: PlanRequest): Promise<ModelPlan> {
  const { path, execArgv } = programAt(new URL('../../policy/engines/embedded/memory/print-plan.ts', import.meta.url));
  const args = [...execArgv, path, JSON.stringify(request)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: projectRoot, maxBuffer: 1 << 26 });
  const answer = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as ModelPlan | Failure;
  if (!('failure' in answer)) return answer;
  const { code, message, details } = answer.failure;
  throw new MtrlError(code, message, details);
}

export function formatPlan({ modelType, parameterCount, threadCount, wideFlopsPerSecond, arms }: ModelPlan): string {
  const model = `${modelType}, ${(parameterCount / 1e6).toFixed(1)} million parameters; ${threadCount} threads, ${(wideFlopsPerSecond / 1e9).toFixed(0)} GFLOP/s`;
  return [model, ...arms.flatMap(armLines)].map((line) => `${line}\n`).join('');
}

function armLines(arm: ArmPlan): string[] {
  const kinds = Object.entries(arm.byteLengths).filter(([, byteLength]) => byteLength > 0);
  const rollouts = arm.rolloutSeconds === undefined ? '' : `rollouts ${arm.rolloutSeconds.toFixed(1)}, `;
  return [
    '',
    `${arm.arm}: prompts of ${arm.promptTokenCount} tokens with ${arm.imageCount} images, ${arm.microBatchCount} micro-batches of up to ${arm.microBatchPromptCount} prompts`,
    ...kinds.map(([kind, byteLength]) => `  ${kind.padEnd(14)} ${inMegabytes(byteLength)}`),
    `  ${'needed'.padEnd(14)} ${inMegabytes(arm.byteLengthNeeded)}${arm.fits ? '' : '  more than engine.memoryByteLengthMax'}`,
    `  ${'seconds a step'.padEnd(14)} ${arm.secondsPerStep.toFixed(1)} (${rollouts}training ${arm.trainingSeconds.toFixed(1)})`,
  ];
}

function inMegabytes(byteLength: number): string {
  return `${Math.ceil(byteLength / 1e6).toLocaleString('en')} MB`.padStart(10);
}

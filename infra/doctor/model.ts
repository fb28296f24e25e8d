/** What training a checkpoint takes on this machine, as policy/engines/embedded/memory/print-plan.ts finds it out. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ErrorCode, type ErrorDetails, MtrlError } from '../../core/errors.ts';
import { projectRoot } from '../stack/settings.ts';

/** An arm of a step as print-plan.ts takes it. */
export interface ArmShape {
  readonly arm: string;
  readonly promptCount: number;
  readonly groupSize: number;
  readonly completionTokenCount: number;
  readonly withReference: boolean;
  readonly trainable: object;
  readonly memory: object;
  readonly promptText: string;
  readonly imageCount: number;
}

export interface ModelPlan {
  readonly modelType: string;
  readonly parameterCount: number;
  readonly threadCount: number;
  readonly wideFlopsPerSecond: number;
  readonly arms: readonly ArmPlan[];
}

interface ArmPlan {
  readonly arm: string;
  readonly promptTokenCount: number;
  readonly imageCount: number;
  readonly microBatchCount: number;
  readonly microBatchPromptCount: number;
  readonly byteLengths: Readonly<Record<string, number>>;
  readonly byteLengthNeeded: number;
  readonly fits: boolean;
  readonly secondsPerStep: number;
  readonly trainingSeconds: number;
  readonly rolloutSeconds?: number;
}

type Failure = {
  readonly failure: { readonly code: ErrorCode; readonly message: string; readonly details: ErrorDetails };
};

/** Throws the reason why the checkpoint cannot be used: CHECKPOINT_INVALID, CHECKPOINT_UNSUPPORTED, FILE_MISSING, RECIPE_INVALID. */
export async function planModel(request: {
  readonly folder: string;
  readonly threadCount: number;
  readonly imageEdge: number;
  readonly arms: readonly ArmShape[];
}): Promise<ModelPlan> {
  const script = join(projectRoot, 'policy', 'engines', 'embedded', 'memory', 'print-plan.ts');
  const args = ['--import', import.meta.resolve('tsx'), script, JSON.stringify(request)];
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

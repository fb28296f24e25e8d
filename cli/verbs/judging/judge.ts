import { join } from 'node:path';
import type { Command } from 'commander';
import { judgedRowsFormat } from '../../../pipeline/asking/judgments-artifact.ts';
import type { ArtifactRef } from '../../../artifacts/ref.ts';
import { MtrlError } from '../../../core/errors.ts';
import { projectRoot } from '../../../core/project.ts';
import type { JudgedRow } from '../../../judge/evaluation/judged-row.ts';
import { nearest } from '../../../recipes/checks/nearest.ts';
import type { JudgeBatchInput, JudgeBatchResult } from '../../../contract/workflows.ts';
import { runJob } from '../../temporal/job.ts';
import { print, printJson } from '../../show/output.ts';
import { askedWith } from '../../asked.ts';
import { calibrationForms, readCalibration } from '../../calibration-source.ts';
import { addAskedOptions, type AskedOptions, usageLine } from '../../endpoint-options.ts';
import { printQuarantine, quarantineOf } from '../../show/quarantine.ts';
import { writeText } from '../../write-text.ts';
import { withStack } from '../../temporal/stack.ts';
import { excerpt } from '../../show/terminal-text.ts';
import { cutOffLines } from '../../show/unread-lines.ts';
import { userPath } from '../../user-path.ts';

interface JudgeOptions extends AskedOptions {
  readonly task: string;
  readonly input: string;
  readonly images?: string;
  readonly recipe: string;
  readonly mode?: string;
  readonly rows?: string;
  readonly calibration?: string;
  readonly json?: boolean;
}

export function addJudge(command: Command): void {
  addAskedOptions(command)
    .requiredOption('--task <task>', 'a task of the recipe')
    .requiredOption('--input <file>', 'JSON Lines: {id?, image | images, candidates?, ...fields of the prompt}')
    .option('--images <folder>', 'folder of the images (default: that of the file)')
    .option('--recipe <recipe>', 'the recipe that declares the task', join(projectRoot, 'recipes', 'demo.yaml'))
    .option('--mode <mode>', 'think or direct: the mode of answering (default: that of the named run, else think)')
    .option('--calibration <calibration>', `adds calibrated label probabilities: ${calibrationForms}`)
    .option('--rows <file>', 'write the rows as JSON Lines, as `score --verdict answers` reads them')
    .option('--json', 'one JSON document on stdout')
    .action(judge);
}

async function judge(options: JudgeOptions): Promise<void> {
  const { task, input: file, images, json = false } = options;
  const asked = askedWith(options, options.mode, options.recipe, []);
  const { recipe, parsed, name: policy } = asked;
  requireTask(task, Object.keys(parsed.tasks), options.recipe);
  if (options.calibration !== undefined && options.endpoint !== undefined)
    throw new MtrlError('USAGE', 'an endpoint gives no label probabilities to calibrate', { where: '--calibration' });
  await withStack({ startMissing: true }, async (stack) => {
    const fitted = options.calibration && (await readCalibration(options.calibration, stack.store));
    const calibration = fitted ? await stack.store.putJson(fitted) : undefined;
    const input: JudgeBatchInput = {
      rows: { recipe, task, file: userPath(file), ...(images !== undefined && { imageFolder: userPath(images) }) },
      ...(await asked.by(stack)),
      ...(calibration && { calibration }),
    };
    const { workflowId, result } = await runJob(stack, { type: 'judgeBatch', name: task, input });
    const { rows } = await stack.store.getDocument(result.judged.rows, judgedRowsFormat);
    if (options.rows !== undefined)
      await writeText(options.rows, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    if (json) {
      printJson(documentOf(workflowId, { policy, task }, result, rows, calibration));
      return;
    }
    print(rowLines(rows).join('\n'));
    print(countLine(result));
    if (result.usage) print(usageLine(result.usage, parsed));
    const reasons = rows.flatMap(({ unparsable }) => (unparsable === undefined ? [] : [[unparsable, 1] as const]));
    for (const line of cutOffLines(reasons, parsed.evaluation.tokenCountMax)) print(line);
    const { quarantine } = result.read;
    if (quarantine) printQuarantine(await quarantineOf(stack.store, quarantine));
  });
}

function requireTask(task: string, tasks: readonly string[], recipe: string): void {
  if (tasks.includes(task)) return;
  const hint = `use one of ${nearest(task, tasks, 8).join(', ')}, or choose another --recipe`;
  throw new MtrlError('USAGE', 'the recipe has no such task', { where: `--task, ${recipe}`, found: task, hint });
}

function documentOf(
  workflowId: string,
  { policy, task }: { readonly policy: string; readonly task: string },
  result: JudgeBatchResult,
  rows: readonly JudgedRow[],
  calibration: ArtifactRef | undefined,
) {
  const { read, judged, checkpoint, usage } = result;
  return {
    ...{ workflowId, status: 'completed', task },
    policy: { name: policy, uri: checkpoint.uri, sha256: checkpoint.sha256 },
    ...{ rowCount: read.exampleCount + read.quarantinedCount, judgedCount: judged.rowCount },
    ...{ unparsableCount: judged.unparsableCount, quarantinedCount: read.quarantinedCount },
    quarantine: read.quarantine?.uri ?? null,
    ...(judged.agreementRate !== undefined && { agreementRate: judged.agreementRate }),
    ...(usage && { usage }),
    ...(calibration && { calibration: { sha256: calibration.sha256, temperature: judged.temperature } }),
    rows,
  };
}

const answerLengthMax = 200;

/** One line per row; an answer that could not be read is followed by its text. */
export function rowLines(rows: readonly JudgedRow[]): string[] {
  const width = rows.reduce((most, { id }) => Math.max(most, id.length), 0);
  return rows.flatMap(({ id, verdict, unparsable, likeliest, agreement, rationale, answers, ...row }) => {
    const probabilities = row.calibratedProbabilities ?? row.probabilities;
    const said =
      verdict ?? `(${unparsable ?? 'undecided'}${likeliest === undefined ? '' : `; likeliest ${likeliest}`})`;
    const chance = probabilities?.[verdict ?? likeliest ?? '']?.toFixed(3) ?? '';
    const order = agreement === undefined ? '' : agreement ? '  both orders' : '  not the same in both orders';
    const line = `${id.padEnd(width)}  ${said}  ${chance}${order}${rationale === null ? '' : `  ${rationale}`}`;
    const texts = verdict === null ? answers.map((text) => `  answer: ${excerpt(text, answerLengthMax)}`) : [];
    return [line, ...texts];
  });
}

function countLine({ read, judged }: JudgeBatchResult): string {
  const { rowCount, unparsableCount, agreementRate } = judged;
  const agreed = agreementRate === undefined ? '' : `, ${(agreementRate * 100).toFixed(1)} % the same in both orders`;
  return `\n${String(rowCount)} rows judged, ${String(unparsableCount)} unparsable${agreed}; ${String(read.quarantinedCount)} in quarantine`;
}

import type { Command } from 'commander';
import { MtrlError } from '../../../core/errors.ts';
import { taskSpecOf } from '../../../judge/datasets/check-recipe.ts';
import { labelledRows } from '../../../judge/datasets/labelled-rows.ts';
import { UnusableRow } from '../../../judge/datasets/reading.ts';
import { localFiles } from '../../../judge/datasets/sources/local-files.ts';
import type { QuarantinedRow } from '../../../judge/example.ts';
import { renderScoring } from '../../../judge/report/scoring-page.ts';
import { givenVerdicts, judgmentOf, type JudgmentFields } from '../../../judge/scoring/read-judgments.ts';
import { pixelJudge } from '../../../judge/scoring/pixel-judge.ts';
import { agreementOverTime, periods } from '../../../judge/scoring/people/agreement-over-time.ts';
import { type GivenLabel, peopleLabels } from '../../../judge/scoring/people/read-people.ts';
import { type JudgedVerdict, scoreJudges } from '../../../judge/scoring/score-judges.ts';
import { loadRecipeFile } from '../../../recipes/load.ts';
import type { Recipe } from '../../../recipes/recipe.ts';
import { driftLines, driftOf, requireAgreement } from '../../drift.ts';
import { agreementLines } from '../../show/agreement-lines.ts';
import { judgeLines } from '../../show/judge-lines.ts';
import { periodOf } from '../../period-of.ts';
import { print, printJson, say } from '../../show/output.ts';
import { repeated } from '../../repeated.ts';
import { userPath } from '../../user-path.ts';
import { wholeNumberFrom } from '../../whole-number.ts';
import { writeText } from '../../write-text.ts';

interface ScoreOptions {
  readonly recipe: string;
  readonly task: string;
  readonly judgments: string;
  readonly verdict: readonly string[];
  readonly judge?: string;
  readonly id?: string;
  readonly swapped?: string;
  readonly resamples?: number;
  readonly against?: string;
  readonly pixels?: boolean;
  readonly people?: string;
  readonly by: string;
  readonly report?: string;
  readonly set: readonly string[];
  readonly json?: boolean;
}

export function addScore(command: Command): void {
  command
    .requiredOption('--recipe <recipe>', 'the recipe with the labels: a YAML or JSON file')
    .requiredOption('--task <task>', 'a task of the recipe')
    .requiredOption('--judgments <file>', 'verdicts of any judges: .jsonl, .json, .csv, .tsv or .parquet')
    .option(
      '--verdict <field>',
      'field with a verdict; repeat it for several judges; an object holds one judge a member, a list the verdicts on each order (default: verdict)',
      repeated,
      [],
    )
    .option('--judge <field>', 'field that names the judge, if each row is one verdict')
    .option('--id <field>', 'field with the id of the judged row (default: that of the dataset)')
    .option('--swapped <field>', 'field that says whether the candidates were exchanged')
    .option('--resamples <count>', "bootstrap resamples (default: the recipe's)", wholeNumberFrom(1))
    .option(
      '--against <name>',
      'a promoted judge: fail if its agreement has fallen below what its gate asked (NAME or NAME@VERSION)',
    )
    .option('--pixels', "add what a logistic regression on the pixels of the recipe's training rows reaches")
    .option('--people <file>', 'labels that the studio has exported: agreement with these people over time')
    .option('--by <period>', `with --people: ${periods.join(' or ')}`, 'month')
    .option('--report <file>', 'write a page with all figures: one HTML file')
    .option('--set <path=value>', 'change the recipe (repeatable)', repeated, [])
    .option('--json', 'one JSON document on stdout')
    .action(score);
}

async function score(options: ScoreOptions): Promise<void> {
  const { task, json = false } = options;
  const { parsed, digest } = loadRecipeFile(options.recipe, options.set);
  const spec = taskSpecOf(parsed, task, '--task');
  const { rows, quarantined, leftOutCount } = await labelledRows(parsed, task, localFiles);
  if (rows.length === 0) throw noLabels(task, quarantined);
  const { verdicts, unusable } = await read(options, parsed, spec);
  const { evaluation } = parsed;
  const settings = { resampleCount: options.resamples ?? evaluation.bootstrapResampleCount, seed: evaluation.seed };
  const scoring = scoreJudges(task, spec, rows, verdicts, settings);
  const pixels = options.pixels === true ? await pixelJudge(parsed, task, settings, localFiles) : undefined;
  const pixelBaselines = pixels === undefined ? [] : [pixels];
  const { judges, tests } = scoring;
  if (judges.length === 0) throw noMatch(options, [...verdicts.values()].flat(), rows[0]?.id ?? '');
  const counts = {
    ...{ exampleCount: rows.length, quarantinedCount: quarantined.length, leftOutCount },
    unusableCount: unusable.length,
  };
  const people = options.people === undefined ? undefined : await agreement(options, options.people, spec, verdicts);
  const drift = options.against === undefined ? undefined : await driftOf(options.against, task, spec, judges);
  const page = {
    ...{ task, spec, recipe: options.recipe, recipeDigest: digest, judgments: options.judgments },
    ...{
      exampleCount: rows.length,
      ...settings,
      scoring,
      quarantined,
      leftOutCount,
      pixelBaselines,
      ...(drift && { drift }),
    },
    unusable: unusable.map(({ message }) => message),
  };
  const reportPath = options.report === undefined ? undefined : await writeText(options.report, renderScoring(page));
  if (json)
    printJson({
      task,
      ...counts,
      ...settings,
      judges,
      tests,
      ...(pixels && { pixelBaselines }),
      ...(drift && { drift }),
      ...(people && { agreement: people.agreement }),
      ...(reportPath !== undefined && { reportPath }),
    });
  else print(judgeLines(task, spec, { ...counts, judges, tests, pixelBaselines }).join('\n'));
  if (!json && people !== undefined) print(['', ...agreementLines(people.agreement)].join('\n'));
  if (!json && drift !== undefined) print(['', ...driftLines(drift)].join('\n'));
  if (!json && reportPath !== undefined) print(`report ${reportPath}`);
  for (const [what, reasons] of [
    ['rows without a label', quarantined.map(({ reason }) => reason)],
    ['judgments that cannot be read', unusable.map(({ message }) => message)],
    ['labels of people that cannot be read', people?.unusable.map(({ message }) => message) ?? []],
  ] as const)
    if (reasons.length > 0) say(`${String(reasons.length)} ${what}; the first: ${reasons[0] ?? ''}`);
  if (options.pixels === true && pixels === undefined)
    say(
      'no baseline on pixels: it needs a task with labels, pictures, and rows of the splits train and evaluation.split',
    );
  if (leftOutCount > 0) say(`${String(leftOutCount)} rows left out by the recipe`);
  if (drift !== undefined) requireAgreement(drift);
}

async function agreement(
  { by }: ScoreOptions,
  file: string,
  spec: Recipe['tasks'][string],
  verdicts: ReadonlyMap<string, readonly JudgedVerdict[]>,
) {
  const period = periods.find((each) => each === by);
  if (period === undefined)
    throw new MtrlError('USAGE', 'the period does not exist', { where: '--by', found: by, hint: periods.join(', ') });
  const path = userPath(file);
  if ((await localFiles.kindOf(path)) !== 'file')
    throw new MtrlError('FILE_MISSING', 'the labels cannot be read', { where: '--people', found: path });
  const labels: GivenLabel[] = [];
  const unusable: UnusableRow[] = [];
  for await (const given of peopleLabels(path, spec, localFiles)) {
    if (given instanceof UnusableRow) unusable.push(given);
    else labels.push(given);
  }
  return { agreement: agreementOverTime(labels, verdicts, spec, period, periodOf), unusable };
}

/** Verdicts by judge, in the order of the file. */
async function read(options: ScoreOptions, recipe: Recipe, spec: Recipe['tasks'][string]) {
  const datasets = recipe.datasets.filter((dataset) => dataset.reader !== 'judge-world');
  const dataset = datasets.find(({ task }) => task === options.task);
  const fields: JudgmentFields = {
    id: options.id ?? dataset?.fields.id ?? 'id',
    verdicts: options.verdict.length > 0 ? options.verdict : ['verdict'],
    ...(options.judge !== undefined && { judge: options.judge }),
    ...(options.swapped !== undefined && { swapped: options.swapped }),
  };
  const verdicts = new Map<string, JudgedVerdict[]>();
  const unusable: UnusableRow[] = [];
  const path = userPath(options.judgments);
  if ((await localFiles.kindOf(path)) !== 'file')
    throw new MtrlError('FILE_MISSING', 'the judgments cannot be read', { where: '--judgments', found: path });
  for await (const given of givenVerdicts(path, fields, localFiles)) {
    if (given instanceof UnusableRow) {
      unusable.push(given);
      continue;
    }
    const { judge, ...of } = given;
    const own = verdicts.get(judge) ?? [];
    verdicts.set(judge, own);
    own.push({ ...of, judgment: judgmentOf(given.text, spec, dataset?.labelMap ?? {}) });
  }
  return { verdicts, unusable };
}

function noLabels(task: string, quarantined: readonly QuarantinedRow[]): MtrlError {
  return new MtrlError('DATASET_EMPTY', `no row of ${task} has a label`, {
    where: `tasks.${task}`,
    ...(quarantined[0] && { found: quarantined[0].reason }),
    hint: 'the labels are those of the datasets of the task, which must be files',
  });
}

function noMatch({ judgments, verdict, id }: ScoreOptions, given: readonly JudgedVerdict[], rowId: string): MtrlError {
  const [first] = given;
  if (first === undefined)
    return new MtrlError('USAGE', 'no row has a verdict', {
      where: judgments,
      found: `nothing in ${verdict.length > 0 ? verdict.join(', ') : 'verdict'}`,
      hint: 'name the field with the verdicts: --verdict FIELD',
    });
  return new MtrlError('USAGE', 'no judgment is of a row of the task', {
    where: judgments,
    found: `the id ${first.rowId}, where rows have ids like ${rowId}`,
    hint: id === undefined ? 'name the field with the ids of the rows: --id FIELD' : 'use the ids of the dataset',
  });
}

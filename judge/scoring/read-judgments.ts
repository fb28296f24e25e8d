/** Verdicts that any judges gave, from a file of rows: a column for each judge, or a row for each verdict. */
import { MtrlError } from '../../core/errors.ts';
import type { ReaderName, RowsSpec } from '../../recipes/fields/dataset-fields.ts';
import type { Judgment } from '../example.ts';
import { readers } from '../datasets/readers/table.ts';
import { UnusableRow } from '../datasets/reading.ts';
import { textField, valueAt } from '../datasets/rows/jsonl-row.ts';
import type { SourceFiles } from '../datasets/sources/source-files.ts';
import { rationaleTags, verdictTags } from '../tasks/completion.ts';
import { readVerdict, type VerdictRule } from '../tasks/read-verdict.ts';

export interface JudgmentFields {
  /** Field with the id of the row that was judged. */
  readonly id: string;
  /**
   * Fields with verdicts: of one judge each; an object holds one judge a member; a list holds the verdicts on each order
   * of the candidates, that of the row first.
   */
  readonly verdicts: readonly string[];
  /** Field that names the judge, if each row is one verdict. */
  readonly judge?: string;
  /** Field that says whether the candidates were exchanged. */
  readonly swapped?: string;
}

export interface GivenVerdict {
  readonly judge: string;
  readonly rowId: string;
  /** Place of the order of the candidates among those of the task's kind: 0 for that of the row. */
  readonly order: number;
  /** As it stands in the file; undefined if there is none. */
  readonly text: string | undefined;
  readonly cost?: number;
  readonly latency?: number;
}

const byExtension: readonly (readonly [RegExp, ReaderName])[] = [
  [/\.(jsonl|ndjson)$/i, 'jsonl'],
  [/\.json$/i, 'json'],
  [/\.(csv|tsv)$/i, 'csv'],
  [/\.parquet$/i, 'parquet'],
];

/** Throws USAGE for a format that is not read, FILE_MISSING, FILE_UNREADABLE. */
export async function* givenVerdicts(
  path: string,
  fields: JudgmentFields,
  files: SourceFiles,
): AsyncGenerator<GivenVerdict | UnusableRow> {
  const reader = byExtension.find(([pattern]) => pattern.test(path.replace(/\.(?:gz|zst)$/i, '')))?.[1];
  if (reader === undefined)
    throw new MtrlError('USAGE', 'the format of the judgments is not known', {
      where: '--judgments',
      found: path,
      hint: 'a file named .jsonl, .json, .csv, .tsv or .parquet',
    });
  for await (const read of readers[reader](files, specOf(reader, path, fields))) {
    if ('problem' in read) yield read.problem;
    else yield* verdictsOf(read.values, fields);
  }
}

function specOf(reader: ReaderName, path: string, { id, verdicts, judge, swapped }: JudgmentFields): RowsSpec {
  const prompt = [...verdicts, judge, swapped, 'cost', 'latency'].filter((name) => name !== undefined);
  const fields = { id, images: [], prompt, label: '' };
  // What readers need of a dataset: rows are mapped here and not to examples.
  return { reader, task: '', split: 'test', path, fields, labelMap: {}, encoding: 'utf-8' };
}

function* verdictsOf(
  row: Readonly<Record<string, unknown>>,
  { id, verdicts, judge, swapped }: JudgmentFields,
): Generator<GivenVerdict | UnusableRow> {
  try {
    const rowId = textField(row, id);
    const isSwapped = swapped !== undefined && /^(true|1|yes)$/i.test(optionalText(row, swapped) ?? '');
    const spent = { ...numberAt(row, 'cost'), ...numberAt(row, 'latency') };
    const texts = function* (of: Readonly<Record<string, unknown>>, name: string, by: string): Generator<GivenVerdict> {
      const value = valueAt(of, name);
      const names = Array.isArray(value) ? value.map((_, order) => `${name}.${String(order)}`) : [name];
      for (const [order, at] of names.entries())
        yield { judge: by, rowId, order: order + Number(isSwapped), text: optionalText(of, at), ...spent };
    };
    for (const name of verdicts) {
      const value = valueAt(row, name);
      // An empty field is an answer that nobody can read; no field at all is no answer.
      if (value === undefined) continue;
      if (judge !== undefined) yield* texts(row, name, textField(row, judge));
      else if (!isMembers(value)) yield* texts(row, name, name);
      else for (const member of Object.keys(value)) yield* texts(value, member, member);
    }
  } catch (error) {
    if (!(error instanceof UnusableRow)) throw error;
    yield error;
  }
}

const isMembers = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

/** Undefined if the field is absent, null or blank. */
function optionalText(row: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = valueAt(row, name);
  if (value === undefined || value === null) return undefined;
  const text = textField(row, name);
  return text.trim() === '' ? undefined : text;
}

function numberAt<Name extends string>(
  row: Readonly<Record<string, unknown>>,
  name: Name,
): { readonly [N in Name]?: number } {
  const text = optionalText(row, name);
  const value = text === undefined ? NaN : Number(text);
  return Number.isFinite(value) ? ({ [name]: value } as { readonly [N in Name]?: number }) : {};
}

/**
 * A verdict is a label, a value that `labelMap` maps to one, or a whole answer in the task's format; anything else is
 * unread, and counts as wrong.
 */
export function judgmentOf(text: string | undefined, rule: VerdictRule, labelMap: RowsSpec['labelMap']): Judgment {
  if (text === undefined) return { ok: false, reason: 'verdict-missing' };
  const completion = { text, finishReason: 'stop' as const };
  const alone = readVerdict(completion, { ...rule, verdictFormat: 'last-line' }, 'direct');
  if (alone.ok) return alone;
  const mapped = Object.hasOwn(labelMap, text.trim()) ? labelMap[text.trim()] : undefined;
  if (typeof mapped === 'string') return { ok: true, verdict: mapped, rationale: '' };
  if (rule.verdictFormat === 'json') {
    const reasoned = readVerdict(completion, rule, 'think');
    return reasoned.ok ? reasoned : readVerdict(completion, rule, 'direct');
  }
  if (rule.verdictFormat === 'last-line') return readVerdict(completion, rule, 'think');
  if (!text.includes(verdictTags.open)) return alone;
  return readVerdict(
    completion,
    { ...rule, verdictFormat: 'tagged' },
    text.includes(rationaleTags.open) ? 'think' : 'direct',
  );
}

/** CSV as Python's csv module and pandas read it; fixtures by test/fixtures/csv/generate.py. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { columnNames } from '../../judge/datasets/readers/column-names.ts';
import { csvRecords } from '../../judge/datasets/readers/csv-records.ts';

interface Fixture {
  readonly cases: readonly { readonly text: string; readonly records: readonly (readonly string[])[] | null }[];
  readonly names: readonly { readonly header: string; readonly names: readonly string[] }[];
}
const { cases, names } = JSON.parse(readFileSync('test/fixtures/csv/expected.json', 'utf8')) as Fixture;

async function* cut(text: string, length: number) {
  for (let at = 0; at < text.length; at += length) yield await Promise.resolve(text.slice(at, at + length));
}

async function recordsOf(text: string, length: number) {
  const found: (readonly string[])[] = [];
  try {
    for await (const { values } of csvRecords(cut(text, length), ',')) found.push(values);
  } catch {
    return null;
  }
  return found;
}

test.each([1, 3, 1000])(
  'records are those of Python, however the text is cut (%i characters a piece)',
  async (length) => {
    expect(cases.length).toBeGreaterThan(300);
    for (const { text, records } of cases) expect([text, await recordsOf(text, length)]).toEqual([text, records]);
  },
);

test('the line of a record is the one it ends on, whatever ends lines', async () => {
  const lines: number[] = [];
  for await (const { line } of csvRecords(cut('a\r\n\r\nb\n"c\r\nd"\re', 2), ',')) lines.push(line);
  expect(lines).toEqual([1, 3, 5, 6]);
});

test('a line of white space is no record, unless it is in quotes', async () => {
  expect(await recordsOf('a\n  \n" "\n\t', 2)).toEqual([['a'], [' ']]);
});

test('columns are named as in pandas, if they share a name or have none', () => {
  for (const { header, names: expected } of names) expect(columnNames(header.split(','))).toEqual(expected);
});

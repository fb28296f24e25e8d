/** Files of rows in every format: each row is an example or quarantined, or the file is refused. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { MtrlError } from '../../../core/errors.ts';
import { ingestDatasets } from '../../../judge/datasets/ingest.ts';
import { localFiles } from '../../../judge/datasets/sources/local-files.ts';
import { recipeOf } from '../../judge/recipes.ts';
import { rowCountIn } from '../../support/row-count.ts';
import {
  datasetOf,
  rows,
  type SourceFixture,
  sourceFixtures,
  task,
  writePictures,
} from '../../support/source-fixtures.ts';
import { fuzzTarget, type OpenFuzzTarget } from '../fuzz-target.ts';
import { nearBytes } from '../near-bytes.ts';
import { nearJson, nearJsonText, nearText } from '../near-json.ts';

const words: Partial<Record<SourceFixture['reader'], readonly string[]>> = {
  csv: ['"', '""', '","', '\r', '\n', '\0', '\uFEFF', ',,,,'],
  jsonl: ['\n', '\r\n', '{', '"', '\\ud800', '1e999', '{"id":"a"}'],
  json: ['[', '{', '"', '\\ud800', '1e999', ','],
};

function inputsOf({ reader, bytes }: SourceFixture): fc.Arbitrary<Buffer> {
  const near = nearBytes(bytes, words[reader] ?? []);
  const document = rows.map((row) => ({ ...row }));
  if (reader === 'json')
    return fc.oneof(
      near,
      nearJsonText(document).map((text) => Buffer.from(text)),
    );
  if (reader !== 'jsonl') return near;
  const lines = fc
    .array(fc.constantFrom(...document).chain(nearJson), { maxLength: 4 })
    .map((all) => Buffer.from(all.map((row) => JSON.stringify(row)).join('\n')));
  return fc.oneof(near, lines);
}

export function openRows(reader: SourceFixture['reader']): OpenFuzzTarget {
  return async (folder) => {
    await writePictures(folder);
    const fixture = (await sourceFixtures()).find((each) => each.reader === reader);
    if (fixture === undefined) throw new Error(`there is no file for the reader ${reader}`);
    const recipe = recipeOf({ tasks: { holds: task }, datasets: [datasetOf(fixture, folder)], quarantineRateMax: 1 });
    const read = async (bytes: Buffer): Promise<string> => {
      writeFileSync(join(folder, fixture.name), bytes);
      const codes = new Set<string>();
      let rejectedCount = 0;
      const sink = {
        image: () => undefined,
        quarantined: ({ code }: { readonly code: string }) => {
          rejectedCount++;
          codes.add(code);
        },
      };
      let exampleCount = 0;
      try {
        exampleCount = (await ingestDatasets(recipe, sink, () => undefined, localFiles)).examples.length;
      } catch (error) {
        if (!(error instanceof MtrlError) || error.code !== 'DATASET_EMPTY') throw error;
      }
      const rowCount = rowCountIn(reader, bytes);
      if (rowCount !== undefined && exampleCount + rejectedCount !== rowCount)
        throw new Error(
          `${String(rowCount)} rows became ${String(exampleCount)} examples and ${String(rejectedCount)} rejected`,
        );
      return codes.size === 0 ? 'accepted' : [...codes].sort().join('+');
    };
    const near = (bytes: Buffer) =>
      reader === 'json'
        ? nearText(bytes.toString()).map((text) => Buffer.from(text))
        : nearBytes(bytes, words[reader] ?? []);
    return fuzzTarget(inputsOf(fixture), read, { near });
  };
}

/** Token ids and decoded text equal the Rust library's for the stages that published models use (fixtures/tokenizers). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { Tokenizer } from '../../policy/text/tokenizer.ts';

interface Published {
  readonly name: string;
  readonly tokenizer: unknown;
  readonly cases: readonly { readonly text: string; readonly ids: readonly number[]; readonly decoded: string }[];
}

const file = fileURLToPath(new URL('../fixtures/tokenizers/cases.json', import.meta.url));
const published = JSON.parse(readFileSync(file, 'utf8')) as readonly Published[];
const scratch = mkdtempSync(join(tmpdir(), 'mtrl-tokenizers-'));
afterAll(() => {
  rmSync(scratch, { recursive: true });
});

describe.each(published)('$name', ({ tokenizer: description, cases }) => {
  const folder = mkdtempSync(join(scratch, 'one-'));
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(description));

  test.each(cases)('$text', async ({ text, ids, decoded }) => {
    const tokenizer = await Tokenizer.load(folder);
    expect(tokenizer.encode(text)).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(decoded);
  });
});

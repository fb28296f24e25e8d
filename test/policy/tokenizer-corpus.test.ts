/** 5,000 strings give the ids and texts of the Rust library (fixtures by test/fixtures/tokenizers/corpus.py). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { sha256 } from '../../core/json.ts';
import { Tokenizer } from '../../policy/text/tokenizer.ts';

interface Corpus {
  readonly texts: readonly string[];
  readonly tokenizers: Readonly<Record<string, { readonly tokenizer: unknown; readonly digests: readonly string[] }>>;
}
const file = readFileSync('test/fixtures/tokenizers/corpus.json.gz');
const { texts, tokenizers } = JSON.parse(gunzipSync(file).toString('utf8')) as Corpus;
const folder = mkdtempSync(join(tmpdir(), 'mtrl-corpus-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Why a text may differ (docs/models.md); a reason that no text has any more is to be removed from both. */
function reasonOf(text: string): string {
  if (text === '[WORD]ab1') return 'a single-word token touches a token that is found after normalization';
  if (text.includes('\u1abf')) return 'a combining class of Unicode 13';
  return text.includes('\u2162') ? 'two ways of equal score' : text;
}
const touching = reasonOf('[WORD]ab1');
const known: Readonly<Record<string, readonly string[]>> = {
  smollm2: [touching],
  llama3: [touching],
  qwen2: [touching],
  unigram: [touching, reasonOf('\u2162')],
};

test.each(Object.entries(tokenizers))('%s', async (name, { tokenizer: description, digests }) => {
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(description));
  const tokenizer = await Tokenizer.load(folder);
  const differing = texts.filter((text, i) => {
    const ids = tokenizer.encode(text);
    return sha256(Buffer.from(`${ids.join(',')} ${tokenizer.decode(ids)}`)).slice(0, 8) !== digests[i];
  });
  expect(texts).toHaveLength(5000);
  // Node's version of Unicode decides.
  const reasons = differing.map(reasonOf).filter((reason) => reason !== reasonOf('\u1abf'));
  expect(reasons).toEqual(known[name]);
});

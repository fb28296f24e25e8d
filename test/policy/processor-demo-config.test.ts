import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { completionTags } from '../../judge/tasks/completion.ts';
import { worldWords } from '../../judge/worlds/vocabulary.ts';
import { Tokenizer } from '../../policy/text/tokenizer.ts';

const recipes = fileURLToPath(new URL('../../recipes/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'mtrl-demo-config-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('recipes/demo-config', () => {
  it('equals the output of its script', async () => {
    await promisify(execFile)(process.execPath, ['--import', 'tsx', join(recipes, 'make-demo-config.ts'), folder]);
    const names = readdirSync(folder).sort();
    expect(readdirSync(join(recipes, 'demo-config')).sort()).toEqual(names);
    for (const name of names) {
      expect(readFileSync(join(recipes, 'demo-config', name), 'utf8'), name).toBe(
        readFileSync(join(folder, name), 'utf8'),
      );
    }
  });

  it('has one token for every word and tag of the judge world', async () => {
    const tokenizer = await Tokenizer.load(join(recipes, 'demo-config'));
    const unknown = tokenizer.specialId('unk_token');
    for (const word of [...worldWords, ...completionTags, 'airplane', 'truck', '.']) {
      const ids = tokenizer.encode(word);
      expect(ids, word).toHaveLength(1);
      expect(ids[0], word).not.toBe(unknown);
    }
  });
});

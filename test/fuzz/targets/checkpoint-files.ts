/** The small files of a checkpoint: tokenizer, configuration, processor. What can be loaded also encodes and decodes. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import type { Json } from '../../../core/json.ts';
import { loadProcessor } from '../../../policy/processor.ts';
import { fuzzTarget, type OpenFuzzTarget } from '../fuzz-target.ts';
import { nearJsonText, nearText } from '../near-json.ts';

const whole = 'test/fixtures/smolvlm/model';
const plain = 'test/fixtures/text-models/qwen2';
const files = [
  ...[
    [whole, 'tokenizer.json'],
    [plain, 'tokenizer.json'],
  ],
  ...[
    [whole, 'tokenizer.json'],
    [plain, 'tokenizer.json'],
  ],
  ...[
    [whole, 'tokenizer_config.json'],
    [plain, 'tokenizer_config.json'],
    [whole, 'config.json'],
    [plain, 'config.json'],
  ],
  ...[
    [whole, 'processor_config.json'],
    [whole, 'generation_config.json'],
  ],
] as const;

interface CheckpointFile {
  /** Folder of the whole checkpoint. */
  readonly from: string;
  readonly name: string;
  readonly text: string;
}

export const openCheckpointFiles: OpenFuzzTarget = async (folder) => {
  const folders = new Map([
    [whole, join(folder, 'images')],
    [plain, join(folder, 'text')],
  ]);
  for (const [from, to] of folders) cpSync(from, to, { recursive: true });
  const picture = await sharp({ create: { width: 40, height: 24, channels: 3, background: 'teal' } })
    .png()
    .toBuffer();
  const inputs = fc.constantFrom(...files).chain(([from = '', name = '']) => {
    const document = JSON.parse(readFileSync(join(from, name), 'utf8')) as Json;
    return nearJsonText(document).map((text) => ({ from, name, text }));
  });
  const read = async ({ from, name, text }: CheckpointFile): Promise<string> => {
    const checkpoint = folders.get(from) ?? '';
    const path = join(checkpoint, name);
    writeFileSync(path, text);
    try {
      const processor = await loadProcessor(checkpoint);
      const image = { type: 'image' as const };
      const words = { type: 'text' as const, text: 'is it sharp ? <|im_end|> naïve 赤い' };
      const { tokenIds } = await processor.encodePrompt(
        [{ role: 'user', content: from === whole ? [image, words] : [words] }],
        from === whole ? [picture] : [],
      );
      processor.decodeCompletion(tokenIds);
      processor.encodeCompletion('yes');
      return 'accepted';
    } finally {
      cpSync(join(from, name), path);
    }
  };
  return fuzzTarget(inputs, read, { near: (file) => nearText(file.text).map((text) => ({ ...file, text })) });
};

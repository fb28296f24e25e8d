/** Prompts and completions as sequences of the wire: text chunks, images as files, and the inputs of a loss. */
import { MtrlError } from '../../../core/errors.ts';
import type { Prompt, TrainCompletion, TrainGroup } from '../../engine.ts';
import type { Chunk, Datum, ModelInput, Tensor } from './wire.ts';

/** The chunks of a prompt. Throws RECIPE_INVALID for images that the wire has no form for. */
async function chunksOf(prompt: Prompt): Promise<Chunk[]> {
  const { tokenIds, images } = prompt;
  if (images.length === 0) return [{ type: 'encoded_text', tokens: tokenIds }];
  const encoded = 'encoded' in prompt ? prompt.encoded : undefined;
  if (encoded === undefined) {
    throw new MtrlError('RECIPE_INVALID', 'the tinker engine cannot send the images of this prompt', {
      where: 'engine.tinker',
      found: 'an image in several runs of tokens, or one that training changes',
      hint: 'use a model of the Qwen3-VL kind, and no augmentation',
    });
  }
  const files = await encoded.files();
  const chunks: Chunk[] = [];
  let imageCount = 0;
  for (let start = 0; start < tokenIds.length;) {
    const isImage = tokenIds[start] === encoded.tokenId;
    let end = start + 1;
    while (end < tokenIds.length && (tokenIds[end] === encoded.tokenId) === isImage) end++;
    if (!isImage) chunks.push({ type: 'encoded_text', tokens: tokenIds.slice(start, end) });
    else chunks.push(imageChunk(files[imageCount++], end - start));
    start = end;
  }
  if (imageCount === files.length) return chunks;
  throw new MtrlError('EXAMPLE_TOO_LONG', `the image tokens of a prompt do not match its ${files.length} images`, {
    found: `${String(imageCount)} runs of image tokens`,
    hint: 'was the prompt cut?',
  });
}

function imageChunk(file: Uint8Array | undefined, tokenCount: number): Chunk {
  const bytes = Buffer.from(file ?? []);
  const format = bytes.subarray(0, 4).equals(pngStart)
    ? 'png'
    : bytes.subarray(0, 2).equals(jpegStart)
      ? 'jpeg'
      : undefined;
  if (format !== undefined)
    return { type: 'image', data: bytes.toString('base64'), format, expected_tokens: tokenCount };
  throw new MtrlError('IMAGE_UNREADABLE', 'the tinker engine takes images as PNG or JPEG files', {
    found: `a file that starts with ${bytes.subarray(0, 4).toString('hex')}`,
    hint: 'convert the images',
  });
}

const pngStart = Buffer.from('89504e47', 'hex');
const jpegStart = Buffer.from('ffd8', 'hex');

export async function inputOf(prompt: Prompt): Promise<ModelInput> {
  return { chunks: await chunksOf(prompt) };
}

/** Values for each token of a completion, by the name of the loss's input. */
export type TokenValues = (completion: TrainCompletion) => Readonly<Record<string, readonly number[]>>;

/** One sequence for each completion; inputs are 0 at the tokens of the prompt. */
export async function datumsOf(groups: readonly TrainGroup[], values: TokenValues): Promise<Datum[]> {
  const datums: Datum[] = [];
  for (const { prompt, completions } of groups) {
    const chunks = await chunksOf(prompt);
    const before = prompt.tokenIds.length - 1;
    for (const completion of completions) {
      const { tokenIds } = completion;
      const tail: Chunk[] = tokenIds.length > 1 ? [{ type: 'encoded_text', tokens: tokenIds.slice(0, -1) }] : [];
      const inputs = Object.entries(values(completion)).map(([name, data]): [string, Tensor] => [
        name,
        tensor('float32', [...new Array<number>(before).fill(0), ...data]),
      ]);
      datums.push({
        model_input: { chunks: [...chunks, ...tail] },
        loss_fn_inputs: {
          target_tokens: tensor('int64', [...prompt.tokenIds.slice(1), ...tokenIds]),
          ...Object.fromEntries(inputs),
        },
      });
    }
  }
  return datums;
}

function tensor(dtype: Tensor['dtype'], data: readonly number[]): Tensor {
  return { data, dtype, shape: [data.length] };
}

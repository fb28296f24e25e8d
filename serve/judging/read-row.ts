/** Rows of a request as examples, checked like the rows of `mtrl judge`. */
import { UnusableRow } from '../../judge/datasets/reading.ts';
import { exampleToJudge, type TaskOfRows } from '../../judge/datasets/rows/rows-to-judge.ts';
import { otherOrders } from '../../judge/tasks/reorder.ts';
import type { AnswerMode } from '../../judge/example.ts';
import type { TokenAsking } from '../../pipeline/asking/token-asker.ts';
import type { ServedPolicy } from '../policies/served-policy.ts';
import type { HeldRow } from './held-rows.ts';
import type { JudgeRow } from './judge-request.ts';
import { type PictureRules, requestImage } from './taken-image.ts';

/** Throws UnusableRow. */
export async function readRow(
  source: TaskOfRows,
  { fields, images, candidates }: JudgeRow,
  id: string,
  rules: PictureRules & { readonly imageCountMax: number },
): Promise<HeldRow> {
  const bytesOf = new Map<string, Uint8Array>();
  let imageCount = 0;
  const take = async (text: string) => {
    const number = ++imageCount;
    if (number > rules.imageCountMax)
      throw new UnusableRow('IMAGE_TOO_LARGE', `the row has more than ${rules.imageCountMax} pictures`);
    const image = await requestImage(text, `picture ${number}`, rules);
    bytesOf.set(image.sha256, image.bytes);
    return image;
  };
  const row = { ...fields, images, ...(candidates && { candidates }) };
  const { example } = await exampleToJudge(source, row, id, take);
  return { example, images: bytesOf };
}

/** Encodes the row in all of its orders. Throws UnusableRow if the policy cannot be shown one of them, or MtrlError. */
export async function requireShowable(
  { loaded, recipe }: ServedPolicy,
  { spec }: TaskOfRows,
  { example }: HeldRow,
  prompted: TokenAsking['prompted'],
  mode: AnswerMode,
): Promise<void> {
  const { positionCountMax } = loaded.processor;
  const { tokenCountMax } = recipe.evaluation;
  for (const shown of [example, ...otherOrders(example, spec)]) {
    const { tokenIds } = await prompted.encode(shown, mode);
    if (tokenIds.length + tokenCountMax <= positionCountMax) continue;
    throw new UnusableRow(
      'PROMPT_TOO_LONG',
      `a prompt of ${tokenIds.length} tokens and an answer of ${tokenCountMax} exceed the model's ${positionCountMax} positions`,
    );
  }
}

/** Computes the pixels of a call's prompts just before the call, so that a request holds no other pixels. */
import type { EncodedPrompt, Prompt, TrainGroup } from '../../engine.ts';

export function withPixels(prompts: readonly Prompt[]): Promise<EncodedPrompt[]> {
  return Promise.all(
    prompts.map(async (prompt) =>
      'pixels' in prompt ? { tokenIds: prompt.tokenIds, images: await prompt.pixels() } : prompt,
    ),
  );
}

export async function groupsWithPixels(groups: readonly TrainGroup[]): Promise<TrainGroup[]> {
  const prompts = await withPixels(groups.map(({ prompt }) => prompt));
  return groups.map((group, i) => ({ ...group, prompt: prompts[i] ?? group.prompt }));
}

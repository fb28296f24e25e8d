/**
 * Stores an engine's answers once an evaluation has run for a minute. An evaluation with a large model takes hours:
 * after a crash or a worker's drain, the next attempt asks only for the missing answers.
 */
import { asJson } from '../../artifacts/codecs/json-value.ts';
import { digestOf, type Json, sha256 } from '../../core/json.ts';
import type { Engine, PixelValues, Prompt } from '../../policy/engine.ts';
import type { PolicyState } from '../../contract/activities.ts';
import type { ControlDeps } from '../deps.ts';
import { durable } from '../durable.ts';

export type Answering = Pick<Engine, 'sample' | 'labelLogProbs'>;

const askedMsMin = 60_000;

/** `engine` must already hold the policy. */
export function keptAnswers(
  deps: ControlDeps,
  { snapshot, log }: PolicyState,
  engine: Answering,
  keptAfterMs = askedMsMin,
): Answering {
  const startedAtMs = performance.now();
  const kept = async <A>(verb: keyof Answering, request: Json, ask: () => Promise<A>): Promise<A> => {
    const made = await durable(deps, 'answers', { inputs: { snapshot, log }, config: { verb, request } }, async () => ({
      outputs: { answers: await deps.store.putJson(await ask()) },
      summary: {},
    }));
    return (await deps.store.getJson(made.outputs.answers)) as A;
  };
  const isLong = (): boolean => performance.now() - startedAtMs >= keptAfterMs;
  return {
    sample: async (request) =>
      isLong()
        ? kept('sample', await digestOfRequest(request, request.prompts), () => engine.sample(request))
        : engine.sample(request),
    labelLogProbs: async (request) => {
      if (!isLong()) return engine.labelLogProbs(request);
      const prompts = request.prompts.map(({ prompt }) => prompt);
      const completions = request.prompts.map((one) => one.completions);
      const digest = await digestOfRequest({ ...request, completions }, prompts);
      return kept('labelLogProbs', digest, () => engine.labelLogProbs(request));
    },
  };
}

/** Digest of everything that determines the answers, including pixels. */
async function digestOfRequest(request: object, prompts: readonly Prompt[]): Promise<string> {
  const encoded = [];
  // One at a time: the pixels of all prompts together may exceed memory.
  for (const prompt of prompts) {
    const images = 'pixels' in prompt ? await prompt.pixels() : prompt.images;
    encoded.push({ tokenIds: prompt.tokenIds, images: images.map(digestOfPixels) });
  }
  return digestOf(asJson({ ...request, prompts: encoded }));
}

function digestOfPixels({ data, height, width }: PixelValues): Json {
  return [sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)), height, width];
}

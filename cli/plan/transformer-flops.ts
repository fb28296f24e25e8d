/**
 * Floating-point operations of a model's matrix products, from its sizes: a product of [m, k] and [k, n] has 2 m k n.
 * Prompts and images count once per group, and attention counts only visible keys.
 */

/** A decoder with gated feed-forward layers. */
export interface DecoderSizes {
  readonly layerCount: number;
  readonly hiddenSize: number;
  /** Query heads times head size. */
  readonly queryWidth: number;
  /** Key-value heads times head size. */
  readonly keyValueWidth: number;
  /** Of the experts that a token passes through, together. */
  readonly feedForwardWidth: number;
  /** Experts that a token is routed to some of; 0 for a dense model. */
  readonly expertCount: number;
  readonly vocabularySize: number;
}

export interface TowerSizes {
  readonly layerCount: number;
  readonly width: number;
  readonly feedForwardWidth: number;
  /** Values of a patch before its embedding. */
  readonly patchWidth: number;
  /** Multiplications per image token of what maps patches to the decoder's input. */
  readonly mergerProductCount: number;
}

export interface ImageSizes {
  readonly patchCount: number;
  readonly tokenCount: number;
}

/** Prompts of P tokens, each with G completions of C tokens. */
export interface GroupedWork {
  readonly promptCount: number;
  readonly groupSize: number;
  readonly promptTokenCount: number;
  readonly completionTokenCount: number;
}

export interface ModelSizes {
  readonly decoder: DecoderSizes;
  readonly tower: TowerSizes;
}

/** Forward and backward pass; the last token of a completion is left out because it predicts none. */
export function updateFlops(sizes: ModelSizes, images: readonly ImageSizes[], work: GroupedWork): number {
  const { promptCount, groupSize, promptTokenCount: P, completionTokenCount: C } = work;
  const pairs = (P * (P + 1)) / 2 + groupSize * completionPairs(P, C);
  const decoder = decoderFlops(sizes.decoder, P + groupSize * (C - 1), pairs);
  const forward = towerFlops(sizes.tower, images) + decoder + headFlops(sizes.decoder, groupSize * C);
  // The backward pass has two products for each forward product: one for the weights and one for the activations.
  return 3 * promptCount * forward;
}

/** Reading prompts, then one token at a time with cached keys and values; the last token is not decoded. */
export function samplingFlops(
  sizes: ModelSizes,
  images: readonly ImageSizes[],
  work: GroupedWork,
): { readonly prompts: number; readonly completions: number } {
  const { promptCount, groupSize, promptTokenCount: P, completionTokenCount: C } = work;
  const prompt = towerFlops(sizes.tower, images) + decoderFlops(sizes.decoder, P, (P * (P + 1)) / 2);
  const decoding = decoderFlops(sizes.decoder, groupSize * (C - 1), groupSize * completionPairs(P, C));
  return {
    prompts: promptCount * prompt,
    completions: promptCount * (decoding + headFlops(sizes.decoder, groupSize * C)),
  };
}

/** Number of visible query-key pairs of a completion without its last token. */
function completionPairs(P: number, C: number): number {
  return (C - 1) * P + ((C - 1) * C) / 2;
}

function decoderFlops(sizes: DecoderSizes, tokenCount: number, pairCount: number): number {
  const { layerCount, hiddenSize: D, queryWidth, keyValueWidth, feedForwardWidth, expertCount } = sizes;
  const perToken = 2 * D * queryWidth + 2 * D * keyValueWidth + 3 * D * feedForwardWidth + D * expertCount;
  return layerCount * (tokenCount * 2 * perToken + pairCount * 4 * queryWidth);
}

function headFlops({ hiddenSize, vocabularySize }: DecoderSizes, tokenCount: number): number {
  return 2 * tokenCount * hiddenSize * vocabularySize;
}

function towerFlops(
  { layerCount, width, feedForwardWidth, patchWidth, mergerProductCount }: TowerSizes,
  images: readonly ImageSizes[],
): number {
  return images.reduce((sum, { patchCount, tokenCount }) => {
    const layer = patchCount * 2 * (4 * width ** 2 + 2 * width * feedForwardWidth) + patchCount ** 2 * 4 * width;
    return sum + patchCount * 2 * patchWidth * width + layerCount * layer + tokenCount * 2 * mergerProductCount;
  }, 0);
}

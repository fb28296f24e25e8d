/** Temperature, bans, top-k and top-p by sorting, in float64: the reference for the rollout graph. */
export interface Drawing {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly bannedTokenIds?: readonly number[];
}

/** [token id, probability] of every token that can be drawn, in order of ids. */
export function distribution(logits: readonly number[], drawing: Drawing): (readonly [number, number])[] {
  const { temperature = 1, topK, topP, bannedTokenIds = [] } = drawing;
  const scored = logits.flatMap((logit, id) =>
    bannedTokenIds.includes(id) ? [] : [[id, Math.exp(logit / temperature)] as const],
  );
  const ofTopK = topK === undefined ? scored : upTo(scored, (rank) => rank < topK);
  const total = sum(ofTopK);
  const kept = topP === undefined ? ofTopK : upTo(ofTopK, (_rank, before) => before < topP * total);
  return kept.map(([id, weight]) => [id, weight / sum(kept)] as const);
}

/** Tokens that `isKept` accepts in order of decreasing probability, including ties with the last accepted one. */
function upTo(
  scored: readonly (readonly [number, number])[],
  isKept: (rank: number, weightBefore: number) => boolean,
): (readonly [number, number])[] {
  const weights = scored.map(([, weight]) => weight).sort((a, b) => b - a);
  const accepted = weights.filter((_, rank) =>
    isKept(
      rank,
      weights.slice(0, rank).reduce((a, b) => a + b, 0),
    ),
  );
  const least = accepted.at(-1) ?? Infinity;
  return scored.filter(([, weight]) => weight >= least);
}

function sum(scored: readonly (readonly [number, number])[]): number {
  return scored.reduce((total, [, weight]) => total + weight, 0);
}

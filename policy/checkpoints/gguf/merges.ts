/** Merges of a tokenizer in a GGUF file, as tokenizer.json lists them: [left, right], the earlier first. */
import type { GgufMetadata } from './metadata.ts';

export function mergesOf(metadata: GgufMetadata, tokens: readonly string[]): readonly (readonly [string, string])[] {
  const listed = metadata.texts('tokenizer.ggml.merges');
  if (listed !== undefined) return listed.map(pairOf);
  const scores = metadata.numbers('tokenizer.ggml.scores');
  return mergesFromScores(tokens, metadata.required('tokenizer.ggml.scores', scores));
}

/** `left right`; a token may itself start with a space, never end with one. */
function pairOf(merge: string): readonly [string, string] {
  const at = merge.indexOf(' ', 1);
  return [merge.slice(0, at), merge.slice(at + 1)];
}

/**
 * SentencePiece's merges are not kept: of all neighbours that form a token, those of the token with the highest score
 * merge first. Every cut of a token into two tokens is therefore a merge, ordered by the token's score.
 */
function mergesFromScores(
  tokens: readonly string[],
  scores: readonly number[],
): readonly (readonly [string, string])[] {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const found = tokens.flatMap((token, id) =>
    cuts(token)
      .filter(([left, right]) => ids.has(left) && ids.has(right))
      .map((pair) => ({
        pair,
        score: scores[id] ?? -Infinity,
        left: ids.get(pair[0]) ?? 0,
        right: ids.get(pair[1]) ?? 0,
      })),
  );
  return found.sort((a, b) => b.score - a.score || a.left - b.left || a.right - b.right).map(({ pair }) => pair);
}

function cuts(token: string): readonly (readonly [string, string])[] {
  const characters = [...token];
  return characters
    .slice(1)
    .map((_, i) => [characters.slice(0, i + 1).join(''), characters.slice(i + 1).join('')] as const);
}

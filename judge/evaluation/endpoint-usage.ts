/** What the answers of an endpoint took. */

/** Answers, each counted once, and their tokens as the endpoint counts them. */
export interface EndpointUsage {
  readonly answerCount: number;
  readonly promptTokenCount: number;
  readonly completionTokenCount: number;
}

/** Of a million tokens, in any currency. */
export interface TokenPrices {
  readonly promptPrice: number;
  readonly completionPrice: number;
}

export function costOf(
  { promptTokenCount, completionTokenCount }: EndpointUsage,
  { promptPrice, completionPrice }: TokenPrices,
): number {
  return (promptTokenCount * promptPrice + completionTokenCount * completionPrice) / 1e6;
}

export function plusUsage(a: EndpointUsage, b: EndpointUsage): EndpointUsage {
  return {
    answerCount: a.answerCount + b.answerCount,
    promptTokenCount: a.promptTokenCount + b.promptTokenCount,
    completionTokenCount: a.completionTokenCount + b.completionTokenCount,
  };
}

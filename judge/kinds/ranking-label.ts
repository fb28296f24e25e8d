/** A ranking as one label: the labels of the places, best first, as `B > A > C`. A single place is its own label. */
const separator = ' > ';

export const rankingLabel = (places: readonly string[]): string => places.join(separator);

/** The places of a ranking; of any other label, the label itself. */
export const placesIn = (label: string): string[] => label.split(separator);

/** The places that a label of any kind names: a label of the task names itself, whatever it contains. */
export const placesNamed = (label: string, labels: readonly string[]): string[] =>
  labels.includes(label) ? [label] : placesIn(label);

/**
 * A ranking as people and models write it: with any white space around `>`, or with white space alone between places;
 * undefined for other text.
 */
export function readRanking(text: string): string[] | undefined {
  const places = text.includes('>') ? text.split('>').map((place) => place.trim()) : text.trim().split(/\s+/);
  return places.length < 2 || places.includes('') ? undefined : places;
}

/** Whether each of the labels is named once, and nothing else. */
export function isRankingOf(places: readonly string[], labels: readonly string[]): boolean {
  return places.length === labels.length && labels.every((label) => places.includes(label));
}

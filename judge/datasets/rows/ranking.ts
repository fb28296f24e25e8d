/** Expands rows that rank several images to rows per pair or per image (ImageReward: generations of one prompt). */
import type { RankingSpec } from '../../../recipes/fields/dataset-options.ts';
import { listField, type Row, textField } from './jsonl-row.ts';
import { UnusableRow } from '../reading.ts';

interface Ranked {
  readonly image: unknown;
  readonly rank: number;
}

/** NaN for what is no number, as null, an empty text and false are. */
function rankOf(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : NaN;
}

function rankedOf(row: Row, { images, ranks }: RankingSpec): Ranked[] {
  const [shown, places] = [listField(row, images), listField(row, ranks).map(rankOf)];
  if (shown.length !== places.length) {
    throw new UnusableRow('LABEL_UNKNOWN', `${shown.length} ${images} but ${places.length} ${ranks}`);
  }
  if (!places.every(Number.isFinite)) throw new UnusableRow('LABEL_UNKNOWN', `${ranks} are not all numbers`);
  return places.map((rank, i) => ({ image: shown[i], rank }));
}

/** Share of the other images that rank below this one, in [0, 1]; equal ranks count half. */
function standingOf({ rank }: Ranked, all: readonly Ranked[]): number {
  const behind = all.filter((other) => other.rank > rank).length;
  const beside = all.filter((other) => other.rank === rank).length - 1;
  return (behind + beside / 2) / (all.length - 1);
}

/**
 * The rows that one row expands to, each with its other fields and with `-<i>` or `-<i>-<j>` appended to its id.
 * UnusableRow if the row has no id, if ranks and images do not match, or if all ranks are equal.
 */
export function expandRanking(row: Row, idField: string, spec: RankingSpec): Row[] {
  const ranked = rankedOf(row, spec);
  if (new Set(ranked.map(({ rank }) => rank)).size < 2) {
    throw new UnusableRow('LABEL_UNKNOWN', `${spec.ranks} ranks all images the same`);
  }
  const id = textField(row, idField);
  // A field of this very name is read before a path (valueAt).
  const named = (...places: readonly number[]): Row => ({ ...row, [idField]: [id, ...places].join('-') });
  if (spec.to === 'images') {
    return ranked.map((one, i) => ({ ...named(i), ...one, standing: standingOf(one, ranked) }));
  }
  return ranked.flatMap((first, i) =>
    ranked.slice(i + 1).flatMap((second, k): Row[] => {
      if (first.rank === second.rank) return [];
      const pair = { image_0: first.image, image_1: second.image, rank_0: first.rank, rank_1: second.rank };
      return [{ ...named(i, i + 1 + k), ...pair }];
    }),
  );
}

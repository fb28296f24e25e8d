import type { Format } from '../../artifacts/format.ts';
import type { PromotedVersion } from '../../contract/retraining.ts';

/** Versions that a newer format would have to read as they are: they are never made again. */
export const promotedFormat: Format<PromotedVersion> = {
  ...{ what: 'the promoted version', schema: 1, isImplicit: true },
  again: 'promote the judge again',
};

import type { Format } from '../../artifacts/format.ts';
import type { PromotedVersion } from '../../contract/retraining.ts';

export const promotedFormat: Format<PromotedVersion> = {
  ...{ what: 'the promoted version', schema: 1, isImplicit: true },
  again: 'promote the judge again',
};
